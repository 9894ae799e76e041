"""The journal's entries as they stand in its topic: keys, values, headers, and how each is read.

An entry's value holds what an earlier version knows, exactly in the form that it reads. All else stands in Kafka
headers, which the earlier version ignores. So workers of two versions can share a journal.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, assert_never
from uuid import UUID

import orjson

from worker.journal.entry_headers import (
    RESOLUTION,
    Told,
    claim_headers,
    evidence_headers,
    read_claim_headers,
    read_evidence,
)
from worker.journal.outcome_json import plain, read_count, read_outcome
from worker.model.evidence import NO_EVIDENCE, Evidence
from worker.model.frozen import frozen
from worker.model.outcomes import Outcome, Succeeded
from worker.model.progress import Spans
from worker.model.records import Headers


@frozen()
class Intent:
    """A POST may be on its way from now on."""

    attempt: int
    state: Literal["intent"] = "intent"
    evidence: Evidence = NO_EVIDENCE


@dataclass(frozen=True, slots=True)
class Released:
    """The POST of the intent was certainly not carried out; `attempt` counts the attempts that were answered so far.

    Where an earlier POST's answer was lost, `evidence` says so: this entry takes the place of that one's intent.
    """

    attempt: int
    state: Literal["released"] = "released"
    evidence: Evidence = NO_EVIDENCE


@frozen()
class Finished:
    """The record's outcome: the first one in the log counts whose writer had the partition at that time."""

    outcome: Outcome
    state: Literal["finished"] = "finished"
    evidence: Evidence = NO_EVIDENCE


Entry = Intent | Released | Finished


class EntryKey(NamedTuple):
    """The key of an entry: each writer has its own, so that none overwrites another's entry."""

    event: UUID
    offset: int
    writer: str

    def encode(self) -> bytes:
        """`<event>/<record offset>/<writer>`."""
        return f"{self.event}/{self.offset}/{self.writer}".encode()


CLAIM = b"claim/"


class Owner(NamedTuple):
    """Whose requests are worked on: a consumer group, and its request topic."""

    group: str
    topic: str

    def __str__(self) -> str:
        return f"group {self.group}, requests {self.topic}"


@dataclass(frozen=True, slots=True)
class Claim:
    """From this entry on the partition is `writer`'s; another writer that goes on finds a gap in its own offsets.

    Each claim has a key of its own: if compaction kept the last claim alone, a reader could not tell which finishes
    were written by somebody who had lost the partition.

    `group` and `topic` say whose requests are worked on under the claim; earlier versions did not say. `expired` are
    offsets of requests, (first, end) with the end left out, that retention deleted before anybody read them.
    `adopted_from` is the group that a person took the partition from.
    """

    writer: str
    state: Literal["claim"] = "claim"
    group: str | None = None
    topic: str | None = None
    expired: Spans = ()
    adopted_from: str | None = None

    @property
    def owner(self) -> Owner | None:
        """The owner that the claim names; None where it names none."""
        return None if self.group is None or self.topic is None else Owner(self.group, self.topic)

    @property
    def key(self) -> bytes:
        """`claim/<writer>`."""
        return CLAIM + self.writer.encode()


NOBODYS = UUID(int=0)
"""The event of all notices, and of no request: what earlier versions read under it changes nothing for them."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a writer says between two claims: that it still holds the partition, and which requests expired unread.

    It does not write its claim once more: compaction would keep the later one alone, and what was finished between the
    two would seem to be somebody else's. Earlier versions read a notice as a POST that was not carried out, of an event
    that nobody asks for.
    """

    writer: str
    owner: Owner | None = None
    expired: Spans = ()

    @property
    def key(self) -> bytes:
        """The entry's key: one for each span of a writer."""
        return EntryKey(NOBODYS, self.expired[0][0] if self.expired else 0, self.writer).encode()

    @property
    def value(self) -> bytes:
        """The value, which earlier versions can read."""
        return encode(Released(0))

    @property
    def headers(self) -> Headers:
        """The headers, which hold all that a notice tells."""
        group, topic = self.owner or (None, None)
        return claim_headers(Told(group, topic, self.expired))


def decode_notice(writer: str, headers: Headers) -> Notice:
    """Read a notice. ValueError where it is none of this journal."""
    told = read_claim_headers(headers)
    owner = None if told.group is None or told.topic is None else Owner(told.group, told.topic)
    return Notice(writer, owner, told.expired)


def is_claim(key: bytes | None) -> bool:
    """Whether the entry is a claim."""
    return key is not None and key.startswith(CLAIM)


def decode_claim(key: bytes, value: bytes, headers: Headers = ()) -> Claim:
    """Read a claim. ValueError where it is none of this journal."""
    match orjson.loads(value):
        case {"state": "claim", "writer": str(writer), **rest} if not rest and key == Claim(writer).key:
            return Claim(writer, **read_claim_headers(headers)._asdict())
        case _:
            raise ValueError("not a claim")


_KEY = re.compile(rb"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/(0|[1-9][0-9]{0,17})/([^/]+)")


def decode_key(raw: bytes) -> EntryKey:
    """Read a key. ValueError where the bytes are no key of this journal."""
    event, offset, writer = read_key(raw)
    return EntryKey(UUID(int=event), offset, writer)


def read_key(raw: bytes) -> tuple[int, int, str]:
    if not (found := _KEY.fullmatch(raw)):
        raise ValueError("not a key")
    event, offset, writer = found.groups()
    return int(event.replace(b"-", b""), 16), int(offset), writer.decode()


def encode(entry: Entry | Claim) -> bytes:
    """The entry's value in the topic."""
    match entry:
        case Intent(attempt) | Released(attempt):
            return orjson.dumps({"attempt": attempt, "state": entry.state})
        case Finished(Succeeded(resolution="confirmed") as outcome):
            return orjson.dumps({"outcome": plain(replace(outcome, resolution="reconciled")), "state": entry.state})
        case Finished(outcome):
            return orjson.dumps({"outcome": plain(outcome), "state": entry.state})
        case Claim(writer):
            return orjson.dumps({"writer": writer, "state": entry.state})
        case other:
            assert_never(other)


def encode_headers(entry: Entry | Claim) -> Headers:
    """The entry's headers in the topic: none for nearly every entry."""
    match entry:
        case Intent(evidence=evidence) | Released(evidence=evidence):
            return evidence_headers(evidence)
        case Finished(outcome, evidence=evidence):
            confirmed = isinstance(outcome, Succeeded) and outcome.resolution == "confirmed"
            return (*evidence_headers(evidence), *(((RESOLUTION, b"confirmed"),) if confirmed else ()))
        case Claim(group=group, topic=topic, expired=expired, adopted_from=adopted_from):
            return claim_headers(Told(group, topic, expired, adopted_from))
        case other:
            assert_never(other)


def decode(raw: bytes, headers: Headers = ()) -> Entry:
    """Read an entry. ValueError where the bytes are no entry of this journal."""
    given = orjson.loads(raw)
    state = given.get("state") if isinstance(given, dict) and len(given) == 2 else None
    if state == "finished":
        return _finished(read_outcome(given.get("outcome")), headers)
    if state == "intent":
        return Intent(read_count(given.get("attempt")), evidence=read_evidence(headers))
    if state == "released":
        return Released(read_count(given.get("attempt")), evidence=read_evidence(headers))
    raise ValueError("not an entry")


def _finished(outcome: Outcome, headers: Headers) -> Finished:
    match dict(headers).get(RESOLUTION), outcome:
        case None, _:
            return Finished(outcome, evidence=read_evidence(headers))
        case b"confirmed", Succeeded():
            return Finished(replace(outcome, resolution="confirmed"), evidence=read_evidence(headers))
        case _:
            raise ValueError("not a resolution")
