"""Random kills, and the verdict as a table: `tests/chaos/kills --seed S --kills N`."""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from pathlib import Path

from chaos.storm import SESSION, Report, Storm, rage
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from worker.sandbox.local_kafka import LocalKafka

COLUMNS = (
    *("seed", "look-up", "workers", "kills", "terms", "freezes", "lives", "records", "events", "executions"),
    *("duplicates", "lost", "unknown", "problems", "seconds"),
)


def asked() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="tests/chaos/kills", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument(
        "--seeds", type=int, default=1, help="so many seeds, one after another; every other one looks up"
    )
    parser.add_argument("--kills", type=int, default=50, help="SIGKILLs of each seed")
    parser.add_argument("--workers", type=int, default=2, help="at once")
    parser.add_argument("--look-up", choices=["on", "off"], help="unset: on for even seeds")
    parser.add_argument("--keep", action="store_true", help="keep the logs of what went well too")
    return parser.parse_args()


def storms(options: argparse.Namespace) -> list[Storm]:
    """One for each seed."""
    return [
        Storm(
            seed,
            options.kills,
            options.workers,
            look_up=(seed % 2 == 0 if options.look_up is None else options.look_up == "on"),
        )
        for seed in range(options.seed, options.seed + options.seeds)
    ]


def row(report: Report, seconds: float) -> tuple[str, ...]:
    """Of the table."""
    struck, verdict, storm = report.struck, report.verdict, report.storm
    figures = (
        *(storm.workers, struck["SIGKILL"], struck["SIGTERM"], struck["SIGSTOP"], report.lives, verdict.records),
        *(verdict.events, verdict.executions, verdict.duplicates, verdict.lost, verdict.unknown),
        *(len(report.problems), round(seconds)),
    )
    return (str(storm.seed), "on" if storm.look_up else "off", *map(str, figures))


async def play(storm: Storm, progress: Progress, keep: bool) -> tuple[Report, tuple[str, ...]]:  # noqa: FBT001  a flag
    """One storm on a Kafka of its own; the logs stay where something went wrong."""
    logs, started = Path(tempfile.mkdtemp(prefix=f"kills-{storm.seed}-")), time.monotonic()
    task = progress.add_task(f"seed {storm.seed}", total=storm.kills)

    def tell(kills: int) -> None:
        progress.update(task, completed=kills)
        if progress.disable and kills % 10 == 0:
            progress.console.print(f"seed {storm.seed}: {kills} of {storm.kills} kills")

    async with LocalKafka(properties=SESSION) as kafka:
        report = await rage(storm, kafka.bootstrap_servers, logs, tell)
    if report.problems or keep:
        progress.console.print(f"seed {storm.seed}: everything is in {logs}")
    else:
        shutil.rmtree(logs)
    for problem in report.problems:
        progress.console.print(f"  {problem}", soft_wrap=True, markup=False)
    return report, row(report, time.monotonic() - started)


async def main() -> int:
    """0 when nothing was made twice, lost or told wrongly."""
    options, console = asked(), Console(width=None if sys.stdout.isatty() else 160)
    table = Table(*COLUMNS)
    failed = 0
    bar = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*bar, console=console, disable=not console.is_terminal) as progress:
        for storm in storms(options):
            report, figures = await play(storm, progress, options.keep)
            table.add_row(*figures)
            failed += bool(report.problems)
    console.print(table)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
