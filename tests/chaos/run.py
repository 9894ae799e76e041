"""Seeded chaos, and the verdict as a table: `tests/chaos/run --seeds 50`.

One seed is one schedule of faults over a stream of events; the same seed draws the same schedule and the same events.
The moments within a record's life are the machine's: a seed that failed once may need several runs to fail again.
"""

import argparse
import asyncio
import logging
import shutil
import signal
import sys
import tempfile
import time
import traceback
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from chaos import tolerant
from chaos.facts import Facts
from chaos.play import play
from chaos.report import Report, as_json, keep, table
from chaos.settings import BROKER
from chaos.troubles import EVENTS, OF_BROKER, OF_DISK, Schedule, Trouble, drawn
from chaos.verdict import Verdict, judged
from finding import Finding
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from worker.sandbox.local_kafka import LocalKafka


def asked() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="tests/chaos/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=1, help="so many, one after another")
    parser.add_argument("--seed", type=int, default=1, help="the first of them")
    parser.add_argument("--events", type=int, default=EVENTS, help=f"of each seed ({EVENTS})")
    parser.add_argument("--only", type=troubles, default=(), help=f"draw from these: {', '.join(Trouble)}")
    parser.add_argument("--without", type=troubles, default=(), help="draw none of these")
    parser.add_argument("--steps", type=int, help="so many troubles; unset: about one for every 200 events")
    parser.add_argument("--show", action="store_true", help="tell the schedules and do nothing")
    parser.add_argument("--keep-logs", action="store_true", help="of what went well too")
    parser.add_argument("--json", action="store_true", help="the summary as JSON on stdout")
    return parser.parse_args()


def troubles(names: str) -> tuple[Trouble, ...]:
    """A list with commas."""
    return tuple(Trouble(name.strip()) for name in names.split(","))


@dataclass(slots=True)
class Brokers:
    """One Kafka for seed after seed; another one after a seed that struck it."""

    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    kafka: LocalKafka | None = None

    async def for_a_seed(self) -> LocalKafka:
        """It runs."""
        if self.kafka is None:
            self.kafka = await self.stack.enter_async_context(LocalKafka(properties=BROKER))
        return self.kafka

    async def used(self, schedule: Schedule, *, well: bool) -> None:
        """Good for the next one, or ended."""
        if schedule.has(OF_BROKER | OF_DISK) or not well:
            await self.close()

    async def close(self) -> None:
        """Nothing is left of it."""
        await self.stack.aclose()
        self.kafka = None


async def played(schedule: Schedule, brokers: Brokers, progress: Progress, *, keep_logs: bool) -> Report:
    """One seed; its folder stays where something went wrong."""
    folder, started = Path(tempfile.mkdtemp(prefix=f"chaos-{schedule.seed}-")), time.monotonic()
    task = progress.add_task(f"seed {schedule.seed}", total=schedule.events)
    try:
        kafka = await brokers.for_a_seed()
        facts = await play(schedule, kafka, folder, lambda _, ended: progress.update(task, completed=ended))
        verdict = judged(facts)
    except asyncio.CancelledError:
        shutil.rmtree(folder)
        raise
    except Exception as error:  # noqa: BLE001  the other seeds are played all the same
        facts, verdict = Facts("", schedule.look_up), broken(error)
        (folder / "traceback.txt").write_text("".join(traceback.format_exception(error)))
    await brokers.used(schedule, well=verdict.records > 0)
    progress.remove_task(task)
    report = Report(schedule, verdict, facts.lives, time.monotonic() - started)
    tell(report, progress.console)
    if verdict.findings or keep_logs:
        keep(facts, schedule, verdict, folder)
        progress.console.print(f"  everything is in {folder}", soft_wrap=True, highlight=False)
    else:
        shutil.rmtree(folder)
    return report


def broken(error: Exception) -> Verdict:
    """Of a seed that could not be played to its end."""
    return Verdict(0, 0, 0, 0, 0, 0, [Finding("play", f"could not be played: {error!r}")])


def tell(report: Report, console: Console) -> None:
    """A line, or what is wrong and how to see it again."""
    verdict = report.verdict
    figures = f"{verdict.records} records, {verdict.executions} executions, {verdict.unknown} unknown"
    console.print(
        f"seed {report.schedule.seed}: {figures}, {len(verdict.findings)} findings, {report.seconds:.0f} s",
        highlight=False,
    )
    if verdict.findings:
        lines = [*report.schedule.told(), *map(str, verdict.findings[:20]), f"again: {report.schedule.again}"]
        for line in lines:
            console.print(f"  {line}", soft_wrap=True, markup=False, highlight=False)


async def main() -> int:
    """0 when nothing was found; ends in good order at SIGTERM, too."""
    task = asyncio.current_task()
    assert task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    options = asked()
    schedules = [
        drawn(seed, options.events, options.only, options.steps, options.without)
        for seed in range(options.seed, options.seed + options.seeds)
    ]
    if options.show:
        sys.stdout.writelines(f"{line}\n" for schedule in schedules for line in schedule.told())
        return 0
    tolerant.install()
    # aiokafka tells every attempt to reach a broker that we have killed.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    console = Console(stderr=True, width=None if sys.stderr.isatty() else 200)
    bar = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    brokers, reports = Brokers(), []
    with Progress(*bar, console=console, disable=not console.is_terminal) as progress:
        everything = progress.add_task("seeds", total=len(schedules))
        try:
            for schedule in schedules:
                reports.append(await played(schedule, brokers, progress, keep_logs=options.keep_logs))
                progress.advance(everything)
        finally:
            await brokers.close()
    if options.json:
        sys.stdout.buffer.write(as_json(reports))
    else:
        Console(width=None if sys.stdout.isatty() else 200).print(table(reports))
    return 1 if any(report.verdict.findings for report in reports) else 0


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main()))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit("interrupted: the seed under way was not judged")
