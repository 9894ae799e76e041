"""What `dead-letters show` does: one dead letter, what the journal knows of it, what would become of it today."""

from dataclasses import dataclass, replace
from uuid import UUID

from worker import wiring
from worker.events.letter_headers import original, violations
from worker.kafka.extent import extent, unmoved
from worker.kafka.places import places
from worker.kafka.reader import UNCOMMITTED
from worker.model.commands import ConfirmCustomer, CreateCustomer, PassOver, Request, Unusable
from worker.model.errors import WorkerError
from worker.model.outcomes import ReasonCode
from worker.model.records import Headers, Record
from worker.settings.settings import Settings
from worker.terminal.text import document, say
from worker.tools.dead_letters.filters import Filter
from worker.tools.dead_letters.letters import Json, Letter
from worker.tools.dead_letters.marks import mark_of
from worker.tools.dead_letters.replay import UNREADABLE, is_original
from worker.tools.dead_letters.resolutions import Resolutions
from worker.tools.dead_letters.topic import Topics, topics
from worker.tools.journal.show import partitions
from worker.tools.journal.view import event_text
from worker.tools.reading.place import Place
from worker.tools.reading.progress import offsets_bar


async def show(settings: Settings, wanted: Filter, *, payload: bool, as_json: bool) -> int:
    """The newest letter that fits; 1 where none does."""
    found = await topics(wiring.plan(settings), wiring.connection(settings))
    newest = [each async for each in found.newest(wanted, 2)]
    if not newest:
        say("no dead letter fits", err=True)
        return 1
    told = await _Shown(settings, found, newest[0]).told(payload=payload)
    if len(newest) > 1:
        say("there are older ones of this event: dead-letters list --event-id", err=True)
    say(document(told) if as_json else _text(told))
    return 0


@dataclass(frozen=True, slots=True)
class _Shown:
    settings: Settings
    found: Topics
    letter: Letter

    async def told(self, *, payload: bool) -> Json:
        """Personal data only with its payload."""
        place = self.letter.place
        async with places(self.found.connection, self.found.plan.dead_letters, isolation=UNCOMMITTED) as topic:
            record = await topic.at(place.partition, place.offset)
        if record is None:
            raise WorkerError(f"dead letter {place} is not there any more")
        told = self.letter.as_dict() | {"headers": _headers(original(record.headers), payload=payload)}
        if self.letter.reason:
            whole = await self._whole(record)
            told["today"] = self._today(whole, payload=payload) if whole else {"valid": None, "why": "payload omitted"}
            told |= await self._afterwards()
            told["journal"] = await self._journal(whole)
            record = whole or record
        if payload:
            told |= {"key": _shown(record.key), "value": _shown(record.value)}
            told["added"] = _headers(record.headers[len(original(record.headers)) :], payload=True)
        return told

    async def _whole(self, record: Record) -> Record | None:
        """As the worker received it, or None where its value was left out and is nowhere else."""
        which = self.letter
        if which.request is None or not self._here():
            return None
        if which.omitted:
            async with places(self.found.connection, self.found.plan.requests) as topic:
                was = await topic.at(which.request.partition, which.request.offset)
            return was if was and is_original(was, which, record) else None
        return Record(
            self.found.plan.requests,
            which.request.partition,
            which.request.offset,
            which.requested or 0,
            record.key,
            None if which.null else record.value,
            record.headers,
        )

    def _here(self) -> bool:
        """Whether the record came from the request topic, and from a partition that it has."""
        which, plan = self.letter, self.found.plan
        return (
            which.topic == plan.requests and which.request is not None and which.request.partition < self.found.requests
        )

    def _today(self, record: Record, *, payload: bool) -> Json:
        unreadable = UNREADABLE if self.letter.unreadable else None
        topic = self.letter.topic or record.topic
        received = replace(record, topic=topic, headers=original(record.headers), unreadable=unreadable)
        asked = wiring.decoder(self.settings, wiring.catalog(self.settings))(received)
        told: Json = {"valid": not isinstance(asked, Unusable)}
        if self.settings.customer.catalog == "live":
            told["unchecked"] = "configured values: the catalog is live"
        if isinstance(asked, CreateCustomer):
            return told | ({"wouldSend": asked.body.decode()} if payload else {})
        if isinstance(asked, ConfirmCustomer):
            return told | {"confirms": asked.customer_id}
        if isinstance(asked, PassOver):
            return told | {"passedOver": asked.rule}
        reason = asked.reason
        return told | {"reason": reason.code.value, "why": reason.message, "violations": violations(reason.violations)}

    async def _afterwards(self) -> Json:
        """Where the record was replayed and its doubt resolved, as far as the request topic still tells."""
        request = self.letter.request
        if request is None or not self._here():
            return {"replayedAs": None}
        behind = {request.partition: (request.offset + 1, 2**62)}
        return await unmoved(lambda: self._marked(request, behind))

    async def _marked(self, request: Place, behind: dict[int, tuple[int, int]]) -> Json:
        resolved, replayed = Resolutions(), None
        async with extent(self.found.connection, self.found.plan.requests, behind) as whole:
            read = whole.narrowed(behind)
            with offsets_bar("replayed before", read.size) as advance:
                async for records, passed in read.read():
                    for record in records:
                        resolved.add(record)
                        if replayed is None and mark_of(record) == request:
                            replayed = str(Place(record.partition, record.offset))
                    if replayed and self.letter.reason is not ReasonCode.OUTCOME_UNKNOWN:
                        break
                    advance(passed)
        found = resolved.of(self.letter)
        return {"replayedAs": replayed} | ({"resolvedAs": str(found.at)} if found else {})

    async def _journal(self, record: Record | None) -> Json | str:
        event = self._event(record)
        request = self.letter.request
        if event is None or request is None:
            return "the dead letter does not name its event"
        if not self.settings.journal.enabled:
            return "switched off (WORKER_JOURNAL__ENABLED)"
        try:
            async for known in partitions(self.settings, request.partition, event):
                if len(known.journal):
                    return known.event(event)
        except WorkerError as error:
            return str(error)
        return "knows nothing of this event (any more)"

    def _event(self, record: Record | None) -> UUID | None:
        source, name = self.letter.event_source, self.letter.event_id
        if source and name:
            return Request(source, name).event
        return wiring.decoder(self.settings, None)(record).request.event if record else None


def _headers(headers: Headers, *, payload: bool) -> list[Json]:
    """Names and sizes; what a producer wrote into them may be personal data."""
    return [
        {"name": name, "bytes": len(value or b"")} | ({"value": _shown(value)} if payload else {})
        for name, value in headers
    ]


def _shown(raw: bytes | None) -> str | None:
    """As text where it is text, else as hexadecimal digits."""
    if raw is None:
        return None
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return f"0x{raw.hex()}"
    return text if all(each.isprintable() or each in "\n\t" for each in text) else f"0x{raw.hex()}"


def _text(told: Json) -> str:
    """A line a fact; what has a form of its own comes last."""
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
    """Further lines of a value begin below its first: none can be taken for another fact."""
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
