"""Collects everything that is known of one dead letter; prints nothing."""

from dataclasses import dataclass, replace
from uuid import UUID

from worker import wiring
from worker.events.letter_headers import original, violations
from worker.kafka.extent import extent, unmoved
from worker.kafka.places import places
from worker.kafka.reader import UNCOMMITTED
from worker.model.commands import ConfirmCustomer, CreateCustomer, PassOver, Request, Unusable
from worker.model.errors import SchemaRegistryUnavailable, WorkerError
from worker.model.records import Headers, Record
from worker.settings.settings import Settings
from worker.tools.dead_letters.letters import Json, Letter
from worker.tools.dead_letters.marks import mark_of
from worker.tools.dead_letters.received import Lacking, received
from worker.tools.dead_letters.replay import UNREADABLE
from worker.tools.dead_letters.resolutions import Resolutions
from worker.tools.dead_letters.topic import Topics
from worker.tools.journal.show import partitions
from worker.tools.reading.offset_set import FOR_EVER
from worker.tools.reading.place import Place


@dataclass(frozen=True, slots=True)
class Shown:
    """One letter, and what the dead letters, the requests and the journal tell of it."""

    settings: Settings
    found: Topics
    letter: Letter

    async def told(self, *, payload: bool) -> Json:
        """Everything at once; personal data only with its payload."""
        record = await record_at(self.found, self.letter.place)
        whole = await self.whole(record)
        told = self.headers(record, payload=payload)
        if self.letter.reason:
            told["today"] = await self.today(whole, payload=payload)
            told |= await self.afterwards()
            told["journal"] = await self.journal(whole)
        return told | (payload_of(record if isinstance(whole, Lacking) else whole) if payload else {})

    def headers(self, record: Record, *, payload: bool = False) -> Json:
        """What the letter's own headers say, and which headers the producer gave the record."""
        return self.letter.as_dict() | {"headers": _headers(original(record.headers), payload=payload)}

    async def whole(self, record: Record) -> Record | Lacking:
        """The record as the worker received it, or why nobody can tell."""
        return await received(self.found, self.letter, record)

    def _here(self) -> bool:
        """Whether the record came from the request topic, and from a partition that the topic has."""
        which, plan = self.letter, self.found.plan
        return (
            which.topic == plan.requests and which.request is not None and which.request.partition < self.found.requests
        )

    async def today(self, record: Record | Lacking, *, payload: bool = False) -> Json:
        """Whether the worker would accept the record as a valid event now."""
        if isinstance(record, Lacking):
            return {"valid": None, "why": record.why}
        unreadable = UNREADABLE if self.letter.unreadable else None
        topic = self.letter.topic or record.topic
        came = replace(record, topic=topic, headers=original(record.headers), unreadable=unreadable)
        try:
            async with wiring.decoding(self.settings, wiring.catalog(self.settings)) as decode:
                asked = await decode(came)
        except SchemaRegistryUnavailable as error:
            return {"valid": None, "why": str(error)}
        told: Json = {"valid": not isinstance(asked, Unusable)}
        if self.settings.customer.catalog == "live":
            told["unchecked"] = "configured values: the catalog is live"
        if isinstance(asked, CreateCustomer):
            return told | ({"wouldSend": asked.body.decode()} if payload else {})
        if isinstance(asked, PassOver):
            return told | {"passedOver": asked.rule}
        if isinstance(asked, ConfirmCustomer):
            return told | {"confirms": asked.customer_id}
        reason = asked.reason
        return told | {"reason": reason.code.value, "why": reason.message, "violations": violations(reason.violations)}

    async def afterwards(self) -> Json:
        """Where the record was replayed and its doubt resolved, as far back as the request topic reaches."""
        request = self.letter.request
        if request is None or not self._here():
            return {"replayedAs": None}
        behind = {request.partition: (request.offset + 1, FOR_EVER)}
        return await unmoved(lambda: self._marked(request, behind))

    async def _marked(self, request: Place, behind: dict[int, tuple[int, int]]) -> Json:
        resolved, replayed = Resolutions(), None
        async with extent(self.found.connection, self.found.plan.requests, behind) as whole:
            read = whole.narrowed(behind)
            with self.found.progress("replayed before", read.size) as advance:
                async for records, passed in read.read():
                    for record in records:
                        resolved.add(record)
                        if replayed is None and mark_of(record) == request:
                            replayed = str(Place(record.partition, record.offset))
                    if replayed and not self.letter.is_doubt:
                        break
                    advance(passed)
        found = resolved.of(self.letter)
        return {"replayedAs": replayed} | ({"resolvedAs": str(found.at)} if found else {})

    async def journal(self, record: Record | Lacking) -> Json | str:
        """What the journal knows of the event, or why it tells nothing."""
        event = await self._event(record)
        request = self.letter.request
        if event is None or request is None:
            return "the dead letter does not name its event"
        if not self.settings.journal.enabled:
            return "switched off (WORKER_JOURNAL__ENABLED)"
        try:
            async for known in partitions(self.settings, request.partition, event, progress=self.found.progress):
                if len(known.journal):
                    return known.event(event)
        except WorkerError as error:
            return str(error)
        return "knows nothing of this event (any more)"

    async def _event(self, record: Record | Lacking) -> UUID | None:
        source, name = self.letter.event_source, self.letter.event_id
        if source and name:
            return Request(source, name).event
        if isinstance(record, Lacking):
            return None
        try:
            async with wiring.decoding(self.settings, None) as decode:
                return (await decode(record)).request.event
        except SchemaRegistryUnavailable:
            return None


async def record_at(found: Topics, place: Place) -> Record:
    """The record of a dead letter. WorkerError where there is none, or none any more."""
    async with places(found.connection, found.plan.dead_letters, isolation=UNCOMMITTED) as topic:
        record = await topic.at(place.partition, place.offset)
    if record is None:
        raise WorkerError(f"dead letter {place} is not there any more")
    return record


def payload_of(record: Record) -> Json:
    """Key, value and the added headers of a record: personal data."""
    added = record.headers[len(original(record.headers)) :]
    return {"key": _shown(record.key), "value": _shown(record.value), "added": _headers(added, payload=True)}


def _headers(headers: Headers, *, payload: bool) -> list[Json]:
    """The headers by name and size; with the payload their values, too, which may be personal data."""
    return [
        {"name": name, "bytes": len(value or b"")} | ({"value": _shown(value)} if payload else {})
        for name, value in headers
    ]


def _shown(raw: bytes | None) -> str | None:
    """The bytes as text if they are printable text, else as hexadecimal digits."""
    if raw is None:
        return None
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return f"0x{raw.hex()}"
    return text if all(each.isprintable() or each in "\n\t" for each in text) else f"0x{raw.hex()}"
