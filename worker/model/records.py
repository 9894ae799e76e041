"""What comes from Kafka and what goes back to it, as bytes."""

from dataclasses import dataclass

from worker.model.frozen import frozen

Headers = tuple[tuple[str, bytes | None], ...]


@frozen()
class Record:
    """One record as Kafka handed it over; `timestamp` is milliseconds since the epoch.

    `unreadable` says why its headers could not be read; None where they could.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    unreadable: str | None = None

    @property
    def since(self) -> float | None:
        """When the record was written, in seconds since the epoch; None where that is not known."""
        return self.timestamp / 1000 if self.timestamp > 0 else None

    @property
    def place(self) -> "Position":
        """The record's topic, partition and offset."""
        return Position(self.topic, self.partition, self.offset)

    def header(self, name: str) -> bytes | None:
        """The last header of that name, compared without regard to case."""
        wanted = name.lower()
        return next((value for key, value in reversed(self.headers) if key.lower() == wanted), None)


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """Nothing from that offset on is read before the transaction ends; `since` is when its first record was written.

    `since` is in seconds since the epoch; None where that is not known.
    """

    offset: int
    since: float | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the group is in one partition: the next offset to read, the stored one, and one past the last record.

    `lag` counts the records whose end is not stored. Those of open transactions count, offsets that are known to hold
    no record do not. None means not known yet.
    """

    position: int | None = None
    committed: int | None = None
    end: int | None = None
    lag: int | None = None
    open_transaction: OpenTransaction | None = None


@frozen()
class OutgoingMessage:
    """Bytes to be published. Without a `partition` the key decides on it; without a `time` (milliseconds) it is now.

    `elsewhere`: if the topic has no such partition the key decides, too. `compressed`: it is sent in a compressed
    batch.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    partition: int | None = None
    elsewhere: bool = False
    compressed: bool = False
    time: int | None = None


@frozen()
class Position:
    """The place of a record in Kafka."""

    topic: str
    partition: int
    offset: int


@frozen()
class Stored:
    """Where our message was stored, and when by the broker's clock (milliseconds); None if it does not say."""

    place: Position
    time: int | None = None

    @property
    def offset(self) -> int:
        return self.place.offset
