"""What a seed came to: a row of the table, a JSON object, and a folder for whoever looks for the cause."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from chaos.facts import Facts
from chaos.troubles import OF_API, OF_BROKER, OF_FAULTS, Schedule, Trouble
from chaos.verdict import Verdict
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Report:
    """One seed's end."""

    schedule: Schedule
    verdict: Verdict
    lives: int
    seconds: float

    def figures(self) -> dict[str, Any]:
        """In the order of the table's columns."""
        done = Counter(step.trouble for step in self.schedule.steps)
        verdict = self.verdict
        other = len(verdict.findings) - sum(map(verdict.count, ("duplicate", "lost", "disorder")))
        return {
            "seed": self.schedule.seed,
            "look-up": "on" if self.schedule.look_up else "off",
            "keys": self.schedule.keys,
            "workers": self.schedule.workers,
            "kills": done[Trouble.KILL] + done[Trouble.TERM_TWICE],
            "stops": done[Trouble.TERM] + done[Trouble.SCALE],
            "freezes": done[Trouble.NAP] + done[Trouble.FREEZE],
            "broker": sum(done[each] for each in OF_BROKER),
            "api": sum(done[each] for each in OF_API),
            "odd": sum(done[each] for each in OF_FAULTS),
            "lives": self.lives,
            "records": verdict.records,
            "events": verdict.events,
            "executions": verdict.executions,
            "duplicates": verdict.count("duplicate"),
            "lost": verdict.count("lost"),
            "disorder": verdict.count("disorder"),
            "overlaps": verdict.overlaps,
            "failed": verdict.failed,
            "unknown": verdict.unknown,
            "others": other,
            "seconds": round(self.seconds),
        }


SUMMED = (
    *("kills", "stops", "freezes", "broker", "api", "odd", "lives", "records", "events", "executions", "duplicates"),
    *("lost", "disorder", "overlaps", "failed", "unknown", "others", "seconds"),
)


def totals(reports: Iterable[Report]) -> dict[str, int]:
    """The sums of what can be summed."""
    total: Counter[str] = Counter(dict.fromkeys(SUMMED, 0))
    for report in reports:
        figures = report.figures()
        for name in SUMMED:
            total[name] += figures[name]
    return {"seeds": len(list(reports)), **total}


def table(reports: Sequence[Report]) -> Table:
    """A row for each seed and one for all."""
    rows = [report.figures() for report in reports]
    columns = Table(*rows[0])
    for row in rows:
        columns.add_row(*map(str, row.values()))
    sums = totals(reports)
    columns.add_section()
    columns.add_row(*("all" if name == "seed" else str(sums.get(name, "")) for name in rows[0]))
    return columns


def as_json(reports: Sequence[Report]) -> bytes:
    """One document: every seed with its findings, and the totals."""
    seeds = [
        {**each.figures(), "findings": list(map(str, each.verdict.findings)), "again": each.schedule.again}
        for each in reports
    ]
    return orjson.dumps({"seeds": seeds, "totals": totals(reports)}, option=orjson.OPT_INDENT_2)


def keep(facts: Facts, schedule: Schedule, verdict: Verdict, folder: Path) -> None:
    """The facts as files beside the workers' logs."""
    told = {
        "schedule.txt": schedule.told(),
        "findings.txt": map(str, verdict.findings),
        "requests.txt": (f"{each} key={each.item.key!r} {each.item.content} {each.item.trace}" for each in facts.asked),
        "ledger.txt": (f"{each.trace} {each.customer_id}" for each in facts.executions),
        "calls.txt": (
            f"{each.arrived:.3f} {each.trace} {each.status} {each.answered or 0:.3f}" for each in facts.calls
        ),
        "beside.txt": (
            *(f"taken back: {each}" for each in facts.taken_back),
            *(f"expired: {place}" for place in sorted(facts.expired)),
            *(f"confirmed: {place} as customer {customer}" for place, customer in facts.confirmed.items()),
        ),
        "strikes.txt": (f"{each.began:.3f} - {each.ended:.3f} {each.what}" for each in facts.strikes),
        "intents.txt": (f"{place} {times}" for place, times in facts.intents.items()),
        "told.ndjson": (orjson.dumps({"at": each.at, **each.event}).decode() for each in facts.told),
        "dead-letters.txt": (f"{each.place} of {each.of} {each.value!r}" for each in facts.dead_letters),
        "offsets.txt": (
            f"partition {number}: {facts.committed.get(number)} of {end}" for number, end in facts.ends.items()
        ),
    }
    for name, lines in told.items():
        (folder / name).write_text("\n".join([*lines, ""]))
