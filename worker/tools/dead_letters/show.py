"""`dead-letters show`: prints a dead letter, what the journal knows of it, and what would become of it today."""

import shlex

from worker import wiring
from worker.settings.settings import Settings
from worker.terminal.text import document, plain, say
from worker.tools.dead_letters.filters import Filter
from worker.tools.dead_letters.letters import Json
from worker.tools.dead_letters.shown import Shown
from worker.tools.dead_letters.topic import topics
from worker.tools.journal.view import event_text
from worker.tools.reading.progress import offsets_bar


async def show(settings: Settings, wanted: Filter, *, payload: bool, as_json: bool) -> int:
    """Print the newest letter that fits; 1 where none does."""
    found = await topics(wiring.plan(settings), wiring.connection(settings), offsets_bar)
    newest = [each async for each in found.newest(wanted, 2)]
    if not newest:
        say("no dead letter fits", err=True)
        return 1
    told = await Shown(settings, found, newest[0]).told(payload=payload)
    if len(newest) > 1:
        command = f"customer-worker dead-letters list --event-id {shlex.quote(newest[0].event_id or '')}"
        say(plain(f"there are older ones of this event: {command}"), err=True)
    say(document(told) if as_json else _text(told))
    return 0


def _text(told: Json) -> str:
    """The letter as text, one fact a line; facts with several lines come last."""
    journal, today = told.pop("journal", None), told.pop("today", None)
    lines = [_fact("dead letter", f"{told.pop('partition')}@{told.pop('offset')}")]
    for name, value in told.items():
        match value:
            case {"topic": topic, "partition": partition, "offset": offset}:
                lines.append(_fact(name, f"{topic} {partition}@{offset}"))
            case list():
                lines += [_fact(name, _fields(each)) for each in value]
            case None:
                pass
            case _:
                lines.append(_fact(name, value))
    if today:
        lines += _today_text(today)
    if journal:
        lines += ["journal", *(journal if isinstance(journal, str) else event_text(journal)).split("\n")]
    return "\n".join(lines)


def _fact(name: str, value: object) -> str:
    """A fact; further lines of its value are indented, so that none can be taken for another fact."""
    return f"{name:12} {value}".replace("\n", "\n" + " " * 13)


def _today_text(today: Json) -> list[str]:
    verdict = {True: "valid", False: "not valid", None: "cannot be told"}[today["valid"]]
    verdict = "passed over" if "passedOver" in today else verdict
    why = ": ".join(str(today[name]) for name in ("passedOver", "reason", "why", "unchecked") if name in today)
    lines = [_fact("today", f"{verdict}{f': {why}' if why else ''}")]
    lines += [_fact("", _fields(each)) for each in today.get("violations", [])]
    return [*lines, *([_fact("would send", today["wouldSend"])] if "wouldSend" in today else [])]


def _fields(each: Json) -> str:
    return "  ".join(str(value) if name in {"path", "name"} else f"{name} {value}" for name, value in each.items())
