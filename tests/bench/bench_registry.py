"""What a schema registry costs an event: one customer as JSON, and by schemas that are known. Printed, never asserted.

python tests/bench/bench_registry.py
"""

import asyncio
import gc
import sys
import timeit
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import orjson

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.payloads import customer
from builders import binary
from registered import FakeRegistry, avro, avro_schema, numbered

from worker.creation.backoff import Backoff
from worker.creation.breaker import Breaker
from worker.creation.holds import Holds
from worker.events.decode import Decoder
from worker.events.registered.schema import Schema
from worker.model.commands import CreateCustomer
from worker.model.records import Record
from worker.schema_registry.protoc import compiled
from worker.schema_registry.schemas import Schemas

ROUNDS, TIMES = 250, 20
SIZE = 1000
AIM = 40.0
"""Microseconds more than plain JSON, for Avro."""
ATTRIBUTES = {"specversion": "1.0", "id": "e-1", "source": "bench", "type": "customer.create.requested.v1"}


def avro_of(values: list[Any], names: Iterator[int]) -> Any:  # any form of a schema
    """A schema that all of these fit: what is not in every one may be null, as producers have it."""
    if isinstance(values[0], dict):
        keys = dict.fromkeys(key for value in values for key in value)
        fields = [{"name": key, "type": _nullable([v[key] for v in values if key in v], names)} for key in keys]
        return {"type": "record", "name": f"R{next(names)}", "fields": fields}
    if isinstance(values[0], list):
        return {"type": "array", "items": avro_of([each for value in values for each in value], names)}
    return "string"


def _nullable(values: list[Any], names: Iterator[int]) -> Any:  # as above
    return ["null", avro_of(values, names)]


def proto_of(values: list[Any], names: Iterator[int], messages: list[str]) -> str:
    """The same as messages of a Protobuf schema; the type of such a value."""
    if isinstance(values[0], list):
        return f"repeated {proto_of([each for value in values for each in value], names, messages)}"
    if not isinstance(values[0], dict):
        return "string"
    name = f"M{next(names)}"
    keys = dict.fromkeys(key for value in values for key in value)
    types = [proto_of([v[key] for v in values if key in v], names, messages) for key in keys]
    fields = (
        f'{kind} f{at} = {at} [json_name = "{key}"];' for at, (key, kind) in enumerate(zip(keys, types, strict=True), 1)
    )
    messages.append(f"message {name} {{ {' '.join(fields)} }}")
    return name


def best(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Microseconds of each, in turns: whatever else the machine does adds to all of them."""
    gc.collect()
    found = {name: float("inf") for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            found[name] = min(found[name], timeit.timeit(call, number=TIMES) / TIMES * 1e6)
    return found


async def prepared() -> tuple[dict[str, Callable[[], object]], dict[str, int]]:
    """What is measured by its name, and the bytes of each value."""
    data = customer(SIZE)
    schema = avro_of([data], count())
    messages: list[str] = []
    top = proto_of([data], count(), messages)
    text = 'syntax = "proto3"; ' + " ".join(reversed(messages))
    descriptors = await compiled(text, ())
    registry = FakeRegistry(
        {7: avro_schema(schema), 8: Schema("JSON", "{}"), 9: Schema("PROTOBUF", text, (), descriptors)}
    )
    schemas = Schemas(registry, Holds(Breaker(10, Backoff(0, 0))), Backoff(1, 1))
    values = {
        "plain JSON": orjson.dumps(data),
        "JSON with a schema": numbered(orjson.dumps(data), 8),
        "Avro": numbered(avro(schema, data), 7),
        "Protobuf": numbered(b"\0" + _protobuf(descriptors, top, data), 9),
    }
    records = {name: binary(value) for name, value in values.items()}
    for record in records.values():
        await schemas.fetch(record)
    plain, by_schema = Decoder(), Decoder(readers=schemas)
    for record in records.values():
        assert isinstance(by_schema(record), CreateCustomer), by_schema(record)
    calls = {name: _call(by_schema, record, schemas) for name, record in records.items() if name != "plain JSON"}
    return {"plain JSON": lambda: plain(records["plain JSON"]), **calls}, {
        name: len(each) for name, each in values.items()
    }


def _call(decode: Decoder, record: Record, schemas: Schemas) -> Callable[[], object]:
    return lambda: (schemas.wanted(record), decode(record))


def _protobuf(descriptors: bytes, top: str, data: Any) -> bytes:  # any JSON
    from google.protobuf.descriptor_pb2 import FileDescriptorSet  # noqa: PLC0415
    from google.protobuf.descriptor_pool import DescriptorPool  # noqa: PLC0415
    from google.protobuf.json_format import ParseDict  # noqa: PLC0415
    from google.protobuf.message_factory import GetMessageClass  # noqa: PLC0415

    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(descriptors).file:
        pool.Add(file)
    return ParseDict(data, GetMessageClass(pool.FindMessageTypeByName(top))()).SerializeToString()


def main() -> None:
    calls, sizes = asyncio.run(prepared())
    found = best(calls)
    print(f"{'a customer, decoded, validated and encoded':44} {'size':>7} {'takes':>11} {'more than JSON':>15}")  # noqa: T201  # a report
    for name, took in found.items():
        more = took - found["plain JSON"]
        aim = f"  (aim: at most {AIM:.0f})" if name == "Avro" else ""
        print(f"{name:44} {sizes[name]:5} B {took:8.1f} µs {more:12.1f} µs{aim}")  # noqa: T201  # as above


if __name__ == "__main__":
    main()
