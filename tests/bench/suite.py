"""One command, one table: `tests/bench/run --help`."""

import argparse
import asyncio
import logging
import os
import platform
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
from aiokafka.errors import KafkaError
from bench import adapting, growth, latency, memory, pauses, plots, profiling, speed, stage
from bench.figures import PARTS, Measured, table
from bench.machine import use
from bench.observing import DEFAULT, FULL, QUICK, Scale
from bench.processes import Broken
from bench.stage import Stage
from rich.console import Console

from worker.model.errors import WorkerError

HERE = Path(__file__).parents[2]
Part = Callable[[Stage, Scale, Measured], Awaitable[None]]
ALL: dict[str, Part] = {
    "a": speed.part,
    "b": latency.part,
    "c": growth.part,
    "d": memory.part,
    "e": pauses.part,
    "f": profiling.part,
    "g": plots.sweep,
    "h": adapting.part,
}
USUAL = "a,b,c,d,e,f"


def asked() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__)
    letters = ", ".join(f"{letter} {name}" for letter, name in PARTS.items())
    parser.add_argument("--only", default=USUAL, help=f"some parts, such as a,b: {letters}")
    parser.add_argument("--quick", action="store_true", help="everything once and briefly, to see that it works")
    parser.add_argument("--full", action="store_true", help="longer windows, more repetitions, a million records")
    parser.add_argument("--repeat", type=int, help="so many repetitions")
    parser.add_argument("--worker", type=Path, default=HERE, help="the checkout that is measured; unset: this one")
    parser.add_argument("--against", type=Path, help="another checkout, measured beside it in part a")
    parser.add_argument("--patience", type=float, default=0, help="seconds to wait for a quiet machine, each time")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout instead of the table")
    parser.add_argument("--plots", type=Path, metavar="DIR", help="draw what was measured; g is measured for it")
    options = parser.parse_args()
    if options.plots and "g" not in options.only:
        options.only += ",g"
    if unknown := [part for part in options.only.split(",") if part not in ALL]:
        parser.error(f"--only: there is no part {unknown[0]}; there are {letters}")
    return options


def scale_of(options: argparse.Namespace) -> Scale:
    """What was asked for."""
    chosen = QUICK if options.quick else FULL if options.full else DEFAULT
    return chosen if options.repeat is None else chosen.repeated(options.repeat)


async def measure(options: argparse.Namespace, found: Measured) -> None:
    """The parts in their order; ends in good order at SIGTERM, too."""
    task = asyncio.current_task()
    assert task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    scale = scale_of(options)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        async with stage.opened(Path(folder), options.worker, options.against, options.patience) as opened:
            machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
            found.conditions.append(f"{machine}, double in {opened.double.language}, {scale}")
            for letter in options.only.split(","):
                since = use()
                found.tell(PARTS[letter])
                await complete(letter, opened, scale, found)
                now = use()
                found.conditions.append(
                    f"{PARTS[letter]}: {now.at - since.at:.0f} s, {opened.machine.told(since, now)}"
                )


async def complete(letter: str, opened: Stage, scale: Scale, found: Measured) -> None:
    """What breaks takes nothing from the other parts."""
    try:
        await ALL[letter](opened, scale, found)
    except (Broken, TimeoutError, KafkaError, WorkerError, ZeroDivisionError) as error:
        found.broken.append(f"{PARTS[letter]} is not complete: {type(error).__name__} {error}")


def main() -> None:
    """Progress on stderr, what was found on stdout."""
    options, console = asked(), Console(stderr=True)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # leaders of new topics are met a moment too early
    found = Measured(lambda line: console.print(line, highlight=False))
    try:
        asyncio.run(measure(options, found))
    except (KeyboardInterrupt, asyncio.CancelledError):
        found.broken.append("interrupted: what follows was measured before")
    if options.json:
        sys.stdout.buffer.write(orjson.dumps(found.json(), option=orjson.OPT_INDENT_2) + b"\n")
    else:
        show(found)
    if options.plots:
        plots.draw(found.lines, options.plots)
    sys.exit(bool(found.broken))


def show(found: Measured) -> None:
    """For people."""
    out = Console(width=None if sys.stdout.isatty() else 140)
    for each in (*found.conditions, *found.broken, table(found.figures), *found.tables):
        out.print(each)


if __name__ == "__main__":
    main()
