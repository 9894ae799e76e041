"""What a mapping costs: each documented example's events, beside the same customers in our own form. Never asserted.

python tests/bench/bench_mapping.py
"""

import gc
import sys
import time
import timeit
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import jmespath
import orjson

sys.path.insert(0, str(Path(__file__).parents[1]))

from builders import structured
from documented_mappings import Documented, documented

from worker.events.decode import Decoder
from worker.events.mapping import load_mapping
from worker.events.mapping.budget import Budget
from worker.events.mapping.expression import compiled
from worker.model.commands import CreateCustomer
from worker.model.records import Record
from worker.tools.reading.record_file import read_record

ROUNDS, TIMES = 100, 50
AIM = 60
"""Microseconds more than an event of our own, for the sign-up event."""


def microseconds(call: Callable[[], object]) -> float:
    """Of CPU time, the best of many short rounds: what else the machine does counts as little as can be."""
    gc.collect()
    return min(timeit.repeat(call, timer=time.thread_time, number=TIMES, repeat=ROUNDS)) / TIMES * 1e6


def records(example: Documented) -> list[Record]:
    """Those that `validate` is shown with, as records."""
    lines = [each.encode() for each in example.events]
    if example.of_records:
        return [read_record(line, number, "requests") for number, line in enumerate(lines, 1)]
    return [Record("requests", 0, number, 0, None, line) for number, line in enumerate(lines, 1)]


def compared(example: Documented, folder: Path) -> None:
    """The first event, which asks for a customer; and the last one, which most examples pass over or refuse."""
    file = folder / "mapping.toml"
    file.write_text(example.file)
    decoder, plain = Decoder(mapping=load_mapping(file)), Decoder()
    first, *_, last = (*records(example), records(example)[-1])
    asked = decoder(first)
    assert isinstance(asked, CreateCustomer)
    ours = structured(orjson.loads(asked.body))
    mapped, own, other = (
        microseconds(partial(decode, got)) for decode, got in ((decoder, first), (plain, ours), (decoder, last))
    )
    more = f"{mapped - own:+8.1f} µs"
    print(f"{example.name:40} {mapped:8.1f} µs {own:8.1f} µs {more}   last {other:8.1f} µs")  # noqa: T201  # a report


def evaluated() -> None:
    """The expression of the sign-up event's customer alone: by the library's evaluation, and by ours."""
    text = documented()[0].file.split("customer = '''")[1].split("'''")[0]
    seen = {"value": orjson.loads(documented()[0].events[0]), "key": None, "headers": {}, "topic": "signups"}
    library, ours = jmespath.compile(text), compiled(text, Budget())
    assert library.search(seen) == ours(seen)
    times = microseconds(lambda: library.search(seen)), microseconds(lambda: ours(seen))
    print(f"its customer alone: by the library {times[0]:.1f} µs, by ours {times[1]:.1f} µs")  # noqa: T201  # a report


def main() -> None:
    print(f"aim: a sign-up event at most {AIM} µs more than an event of our own")  # noqa: T201  # a report
    print(f"{'first event of':40} {'mapped':>11} {'our own':>11} {'more':>11}")  # noqa: T201  # as above
    with TemporaryDirectory() as folder:
        for example in documented():
            compared(example, Path(folder))
    evaluated()


if __name__ == "__main__":
    main()
