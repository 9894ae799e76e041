"""What is known when a seed is over: from the topics, the API's ledger, the gate and the schedule; plain values."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chaos.gate import Call
from chaos.stream import Item

Place = tuple[int, int]
"""Partition and offset of a record in the request topic."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A record of the request topic, and what it was published as."""

    place: Place
    item: Item

    def __str__(self) -> str:
        partition, offset = self.place
        return f"record {partition}@{offset} (number {self.item.number}, event {self.item.event})"


@dataclass(frozen=True, slots=True)
class Told:
    """A terminal event; `at` is when it was handed to Kafka, in seconds since the epoch."""

    at: float
    key: bytes | None
    event: Mapping[str, Any]

    @property
    def place(self) -> Place:
        """The record that it is about."""
        request = self.event["data"]["request"]
        return int(request["partition"]), int(request["offset"])

    @property
    def ending(self) -> str:
        """How the record ended: its resolution, or the code of its failure."""
        data = self.event["data"]
        return str(data["resolution"] if "resolution" in data else data["reason"]["code"])


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter, its own place, and the record that its headers name."""

    place: Place
    of: Place
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Execution:
    """One creation that the API carried out, by the trace of the record it was made for."""

    trace: str
    customer_id: str


@dataclass(frozen=True, slots=True)
class Strike:
    """Something that may leave a worker in doubt through no fault of its own, in seconds since the epoch."""

    what: str
    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the verdict is made of. `intents` are the times of each record's intents in the journal.

    `announced` and `finished` are the journal's offsets of each record's first intent and of its first finish.
    """

    topic: str
    look_up: bool
    asked: Sequence[Asked] = ()
    told: Sequence[Told] = ()
    dead_letters: Sequence[DeadLetter] = ()
    executions: Sequence[Execution] = ()
    calls: Sequence[Call] = ()
    intents: Mapping[Place, Sequence[float]] = field(default_factory=dict)
    announced: Mapping[Place, int] = field(default_factory=dict)
    finished: Mapping[Place, int] = field(default_factory=dict)
    strikes: Sequence[Strike] = ()
    ends: Mapping[int, int] = field(default_factory=dict)
    committed: Mapping[int, int] = field(default_factory=dict)
    lives: int = 0
    taken_back: Sequence[Asked] = ()
    """Records of transactions that were aborted, or that their producer left open for ever."""
    expired: Collection[Place] = ()
    """Records that were deleted before the group had come to them; they need have no end."""
    told_expired: Collection[Place] = ()
    """Those that `verify` names as such."""
    refusals: Sequence[Strike] = ()
    """While the API refused nearly everybody; a record may fail of that."""
    unsearchable: Collection[str] = ()
    """Events for which every look-up breaks."""
    confirmed: Mapping[Place, str] = field(default_factory=dict)
    """By record the customer of whom a person said so in it."""
    cut_journals: Collection[int] = ()
    """Partitions whose journal lost its beginning."""
    problems: Sequence[str] = ()
    """What went wrong with the processes, and what they call an error of their own."""
