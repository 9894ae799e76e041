"""What one event costs: decode, validate and encode, beside orjson alone on the same bytes. Printed, never asserted.

python tests/bench/bench_customer.py
"""

import gc
import sys
import timeit
from collections.abc import Callable
from pathlib import Path

import orjson

sys.path.insert(0, str(Path(__file__).parents[1]))

from builders import binary, record, seed, structured

from worker.events.decode import Decoder
from worker.model.records import Record

ROUNDS, TIMES = 15, 300


def microseconds(call: Callable[[], object]) -> float:
    """The best of many rounds: whatever else the machine does only ever adds."""
    gc.collect()
    return min(timeit.repeat(call, number=TIMES, repeat=ROUNDS)) / TIMES * 1e6


def line(name: str, got: Record, decoder: Decoder) -> None:
    value = got.value or b""
    ours = microseconds(lambda: decoder(got))
    if value.lstrip().startswith(b"<"):
        print(f"{name:44} {len(value):6} B {ours:8.1f} µs")  # noqa: T201  # a report
        return
    plain = microseconds(lambda: orjson.dumps(orjson.loads(value)))
    print(f"{name:44} {len(value):6} B {ours:8.1f} µs {plain:8.1f} µs  x{ours / plain:.1f}")  # noqa: T201  # as above


def main() -> None:
    as_json, as_xml = Decoder(), Decoder(form="xml")
    print(f"{'decode + validate + encode':44} {'size':>8} {'ours':>11} {'orjson':>11}  ratio")  # noqa: T201  # as above
    for size in ("required", "all"):
        raw, xml = seed(f"individual-{size}.json"), seed(f"individual-{size}.xml")
        data = orjson.loads(raw)
        line(f"{size} elements, bare JSON", record(raw), as_json)
        line(f"{size} elements, bare JSON without blanks", record(orjson.dumps(data)), as_json)
        line(f"{size} elements, structured CloudEvent", structured(data), as_json)
        line(f"{size} elements, binary CloudEvent", binary(raw), as_json)
        line(f"{size} elements, JSON sent as XML", record(raw), as_xml)
        line(f"{size} elements, XML sent as JSON", record(xml), as_json)
        line(f"{size} elements, XML sent as XML", record(xml), as_xml)
    hand = b'{"type": "individual", "pin": 121, "contactPersons": [{"firstName": "Jack", "gender": "male"}]}'
    line("written by hand (normalised)", record(hand), as_json)
    line("invalid (three violations)", record(b'{"type": "individual", "pin": [], "role": "x"}'), as_json)


if __name__ == "__main__":
    main()
