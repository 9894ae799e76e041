"""What comes from Kafka and what goes back to it, as bytes."""

from dataclasses import dataclass

from worker.model.frozen import frozen

Headers = tuple[tuple[str, bytes | None], ...]


@frozen()
class Record:
    """One record as Kafka handed it over; `timestamp` is milliseconds since the epoch.

    `unreadable` says why its headers could not be read.
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
        """When it was written, in seconds since the epoch; None where nobody said."""
        return self.timestamp / 1000 if self.timestamp > 0 else None

    @property
    def place(self) -> "Position":
        """Where it stands."""
        return Position(self.topic, self.partition, self.offset)

    def header(self, name: str) -> bytes | None:
        """The last header of that name, compared without regard to case."""
        wanted = name.lower()
        return next((value for key, value in reversed(self.headers) if key.lower() == wanted), None)


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """Nothing from that offset on is read before it ends; `since` is when that record was written (epoch seconds)."""

    offset: int
    since: float | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the group is in one partition: the next offset to read, the stored one, and one past the last record.

    `lag` counts the records whose end is not stored, those of open transactions included, and nothing that is known
    to be none; None is not known yet.
    """

    position: int | None = None
    committed: int | None = None
    end: int | None = None
    lag: int | None = None
    open_transaction: OpenTransaction | None = None


@frozen()
class OutgoingMessage:
    """Bytes to be published; without a `partition` the key decides, without a `time` (milliseconds) it is now.

    It decides, too, where there is no such partition and the message may be `elsewhere`. `compressed`: in a batch that
    is.
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
    """Where a record is stored."""

    topic: str
    partition: int
    offset: int


@frozen()
class Stored:
    """Where a record of ours is, and since when by the broker's clock (milliseconds), if its topic is dated by that."""

    place: Position
    time: int | None = None

    @property
    def offset(self) -> int:
        return self.place.offset
