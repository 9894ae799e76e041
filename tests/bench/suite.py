"""One command, one table: `tests/bench/run --help`."""

import argparse
import asyncio
import logging
import os
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
from bench import latency, profiling, speed, stage
from bench.figures import PARTS, Measured, table
from bench.observing import DEFAULT, FULL, QUICK, Scale
from bench.stage import Stage
from rich.console import Console

Part = Callable[[Stage, Scale, Callable[[str], None]], Awaitable[Measured]]
ALL: dict[str, Part] = {"a": speed.part, "b": latency.part, "f": profiling.part}


def asked() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__)
    letters = ", ".join(f"{letter} {name}" for letter, name in PARTS.items() if letter in ALL)
    parser.add_argument("--only", default=",".join(ALL), help=f"some parts, such as a,b: {letters}")
    parser.add_argument("--quick", action="store_true", help="everything once and briefly, to see that it works")
    parser.add_argument("--full", action="store_true", help="longer windows, more repetitions, a million records")
    parser.add_argument("--repeat", type=int, help="so many repetitions")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout instead of the table")
    options = parser.parse_args()
    if unknown := [part for part in options.only.split(",") if part not in ALL]:
        parser.error(f"--only: there is no part {unknown[0]}; there are {letters}")
    return options


def scale_of(options: argparse.Namespace) -> Scale:
    """What was asked for."""
    chosen = QUICK if options.quick else FULL if options.full else DEFAULT
    return chosen if options.repeat is None else chosen.repeated(options.repeat)


async def measure(options: argparse.Namespace, console: Console) -> Measured:
    """The parts in their order; ends in good order at SIGTERM, too."""
    task = asyncio.current_task()
    assert task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    found, scale = Measured(), scale_of(options)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        async with stage.opened(Path(folder)) as opened:
            console.print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, double in {opened.double.language}")
            for letter in options.only.split(","):
                since = time.monotonic()
                part = await ALL[letter](opened, scale, lambda line: console.print(f"  {line}", highlight=False))
                console.print(
                    f"{PARTS[letter]}: {time.monotonic() - since:.0f} s, load {os.getloadavg()[0]:.1f}", style="bold"
                )
                found.add(part)
    return found


def main() -> None:
    """Progress on stderr, what was found on stdout."""
    options, console = asked(), Console(stderr=True)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # leaders of new topics are met a moment too early
    found = asyncio.run(measure(options, console))
    if options.json:
        sys.stdout.buffer.write(orjson.dumps(found.json(), option=orjson.OPT_INDENT_2) + b"\n")
        return
    out = Console(width=None if sys.stdout.isatty() else 140)
    for each in (table(found.figures), *found.tables):
        out.print(each)


if __name__ == "__main__":
    main()
