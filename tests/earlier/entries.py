"""The journal's entries as they stand in its topic (design 4.6): keys, values, and how each is read."""

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple
from uuid import UUID

import orjson

from earlier.outcome_json import read_count, read_outcome
from earlier.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Intent:
    """A POST may be on its way from now on."""

    attempt: int
    state: Literal["intent"] = "intent"


@dataclass(frozen=True, slots=True)
class Released:
    """That POST was certainly not carried out; `attempt` counts the answered ones so far."""

    attempt: int
    state: Literal["released"] = "released"


@dataclass(frozen=True, slots=True)
class Finished:
    """The record's outcome: the first one in the log that was written by who had the partition then counts."""

    outcome: Outcome
    state: Literal["finished"] = "finished"


Entry = Intent | Released | Finished


class EntryKey(NamedTuple):
    """Whose state an entry holds: no writer ever overwrites another's entry."""

    event: UUID
    offset: int
    writer: str

    def encode(self) -> bytes:
        """`<event>/<record offset>/<writer>`."""
        return f"{self.event}/{self.offset}/{self.writer}".encode()


CLAIM = b"claim/"


@dataclass(frozen=True, slots=True)
class Claim:
    """From here on the partition is `writer`'s; whoever else goes on writing makes a gap in its own offsets.

    Each has a key of its own: where compaction kept the last one alone, a reader could not tell which finishes were
    written by somebody who had lost the partition.
    """

    writer: str
    state: Literal["claim"] = "claim"

    @property
    def key(self) -> bytes:
        """`claim/<writer>`."""
        return CLAIM + self.writer.encode()


def is_claim(key: bytes | None) -> bool:
    """Whether the entry is a claim."""
    return key is not None and key.startswith(CLAIM)


def decode_claim(key: bytes, value: bytes) -> Claim:
    """ValueError where it is none of this journal."""
    match orjson.loads(value):
        case {"state": "claim", "writer": str(writer), **rest} if not rest and key == Claim(writer).key:
            return Claim(writer)
        case _:
            raise ValueError("not a claim")


_KEY = re.compile(rb"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/(0|[1-9][0-9]{0,17})/([^/]+)")


def decode_key(raw: bytes) -> EntryKey:
    """ValueError where the bytes are no key of this journal."""
    event, offset, writer = read_key(raw)
    return EntryKey(UUID(int=event), offset, writer)


def read_key(raw: bytes) -> tuple[int, int, str]:
    if not (found := _KEY.fullmatch(raw)):
        raise ValueError("not a key")
    event, offset, writer = found.groups()
    return int(event.replace(b"-", b""), 16), int(offset), writer.decode()


def encode(entry: Entry | Claim) -> bytes:
    """The entry's value in the topic."""
    return orjson.dumps(entry)


def decode(raw: bytes) -> Entry:
    """ValueError where the bytes are no entry of this journal."""
    given = orjson.loads(raw)
    state = given.get("state") if isinstance(given, dict) and len(given) == 2 else None
    if state == "finished":
        return Finished(read_outcome(given.get("outcome")))
    if state in ("intent", "released"):
        return (Intent if state == "intent" else Released)(read_count(given.get("attempt")))
    raise ValueError("not an entry")
