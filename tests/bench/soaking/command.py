"""A simulated day in two hours: `tests/bench/soak`. Ends with 1 where an aim is missed or anything is wrong.

Three workers, two of which are restarted one after the other each ten minutes of the day, a broker that is restarted
each hour, an API that grows slow and unsure towards the afternoon, and is closed twice. Ctrl-C or SIGTERM ends the day
early: what has come until then is judged.
"""

import argparse
import asyncio
import logging
import os
import signal
import sys
import tempfile
from pathlib import Path

import orjson
from bench.figures import Figure, table
from bench.machine import use
from bench.soaking.day import Day
from bench.soaking.picture import draw
from bench.soaking.play import opened, play
from bench.soaking.soak import Soak
from bench.soaking.verdict import judged
from rich.console import Console

HERE = Path(__file__).parents[3]
MINUTES, EVENTS = 120.0, 2_000_000
PLOTS = HERE / "build" / "soak"


def asked() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="tests/bench/soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"that the day takes ({MINUTES:.0f})")
    parser.add_argument("--events", type=int, help=f"of the day; unset: as many a minute as {EVENTS:,} in two hours")
    parser.add_argument("--worker", type=Path, default=HERE, help="the checkout whose worker it is; unset: this one")
    parser.add_argument("--plots", type=Path, default=PLOTS, metavar="DIR", help="where soak.svg is drawn (build/soak)")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout instead of the table")
    return parser.parse_args()


async def soaked(options: argparse.Namespace, console: Console) -> tuple[list[Figure], list[str]]:
    """Figures and what is wrong."""
    events = options.events or round(EVENTS * options.minutes / MINUTES)
    day = Day(events, options.minutes * 60)
    with tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as folder:

        def tell(line: str) -> None:
            console.print(line, highlight=False)

        since = use()
        async with opened(day, Path(folder), options.worker, tell) as soak:
            end_at_signals(soak)
            await play(soak)
            figures, wrong = await judged(soak)
        told = soak.machine.told(since, use())
        tell(f"{os.cpu_count()} cores, {told}; drawn: {draw(day, soak.samples, soak.struck, options.plots)}")
        keep(soak, wrong, console)
    return figures, wrong


def end_at_signals(soak: Soak) -> None:
    """The first one ends the day, the next one everything."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task

    def end() -> None:
        if soak.over.is_set():
            task.cancel()
        soak.over.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)


def keep(soak: Soak, wrong: list[str], console: Console) -> None:
    """What the workers said, where something is wrong."""
    if wrong:
        kept = Path(tempfile.mkdtemp(prefix="soak-logs-"))
        for life in soak.fleet.lives:
            if life.log.stat().st_size:
                life.log.rename(kept / life.log.name)
        console.print(f"the workers' logs are in {kept}", soft_wrap=True, highlight=False)


def main() -> None:
    """Progress on stderr, what was found on stdout."""
    options, console = asked(), Console(stderr=True)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it tells every attempt to reach a broker that is away
    try:
        figures, wrong = asyncio.run(soaked(options, console))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit("interrupted: nothing was judged")
    if options.json:
        document = {"figures": [each.json() for each in figures], "wrong": wrong}
        sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
    else:
        out = Console(width=None if sys.stdout.isatty() else 140)
        out.print(table(figures))
        for line in wrong:
            out.print(line, markup=False, highlight=False)
    sys.exit(bool(wrong) or any(each.reached is False for each in figures))


if __name__ == "__main__":
    main()
