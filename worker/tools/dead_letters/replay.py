"""One dead letter: whether it can be replayed, and the record that replays it. Reads and writes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

from worker.counting import counted
from worker.events import letter_headers as names
from worker.events.letter_headers import original
from worker.model.records import Headers, OutgoingMessage, Record
from worker.tools.dead_letters.letters import Letter
from worker.topics import LARGEST

FOREIGN = "not written by this worker"
NOTHING = "neither key nor value: there is nothing to be published"
REPLAYED = "replayed already"
RESOLVED = "resolved already: a person told which customer it has"
FORGOTTEN = "perhaps replayed before: the request topic does not reach back to it any more (--accept-duplicates)"
GONE = "its payload was left out, and the request topic does not hold the original any more"
UNREADABLE = "its headers could not be read, so that nobody knows what it asked for: have it sent anew"
MADE = "its customer exists, and nobody knows under which id (resolve, or --accept-duplicates)"
UNKNOWN = "its customer may exist (--accept-duplicates, or a look-up: WORKER_RECONCILE__BY)"
TOO_LARGE = "larger than the request topic takes (its max.message.bytes), with the headers of a replay"


@dataclass(frozen=True, slots=True)
class Origin:
    """Which run replays, and who asked for it."""

    run: str
    by: str


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one run; `requests` are the request topic's (first, end) offsets by partition.

    `compacted`: a later record with the same key may have replaced a record of that topic. `largest` is how many bytes
    one may have.
    """

    topic: str
    requests: Mapping[int, tuple[int, int]]
    max_replays: int
    accept_duplicates: bool = False
    look_up: bool = False
    origin: Origin | None = None
    compacted: bool = False
    largest: int = LARGEST

    def obstacle(self, letter: Letter, record: Record) -> str | None:
        """Why the letter is not replayed; None where nothing is against it. Earlier replays are not looked at here."""
        against = {
            FOREIGN: letter.reason is None or letter.request is None,
            f"from another topic than {self.topic}": letter.topic != self.topic,
            UNREADABLE: letter.unreadable,
            NOTHING: not letter.omitted and (letter.null or is_nothing(record)),
            f"replayed {counted(self.max_replays, 'time')} (WORKER_DEAD_LETTERS__MAX_REPLAYS)": letter.replays
            >= self.max_replays,
            FORGOTTEN: not self.accept_duplicates and not self._remembered(letter),
            MADE: letter.exists and not self.accept_duplicates and not self.look_up,
            UNKNOWN: letter.is_doubt and not self.accept_duplicates and not self.look_up,
        }
        return next((why for why, is_so in against.items() if is_so), None)

    def is_ours(self, letter: Letter) -> bool:
        """Whether the worker wrote the letter, about a record of the request topic."""
        return letter.reason is not None and letter.request is not None and letter.topic == self.topic

    def _remembered(self, letter: Letter) -> bool:
        """Whether the request topic still has all from the original on, in its partition.

        An earlier replay stands there.
        """
        first, end = self.requests.get(letter.request.partition, (0, 0)) if letter.request else (0, 0)
        return letter.request is not None and first <= letter.request.offset + 1 <= end

    def replayed(self, letter: Letter, record: Record, *, accepted: bool) -> OutgoingMessage:
        """The original record with the marks of its replay, for the partition in which its event is known."""
        partition = letter.request.partition if letter.request else -1
        headers = (*original(record.headers), *self._marks(letter, accepted=accepted))
        known = partition if partition in self.requests else None
        return OutgoingMessage(self.topic, record.key, record.value, headers, known)

    def _marks(self, letter: Letter, *, accepted: bool) -> Headers:
        told = {
            names.REPLAY_OF: str(letter.request).encode(),
            names.REPLAYS: str(letter.replays + 1).encode(),
            names.REPLAY_REASON: letter.reason.value.encode() if letter.reason else None,
            names.EVENT_SOURCE: letter.event_source.encode() if letter.event_source else None,
            names.EVENT_ID: letter.event_id.encode() if letter.event_id else None,
            names.CUSTOMER_EXISTS: names.TRUE if letter.exists else names.PERHAPS if accepted else None,
            names.ACCEPT_DUPLICATES: names.YES if accepted else None,
            names.REPLAY_RUN: self.origin.run.encode() if self.origin else None,
            names.REPLAY_BY: self.origin.by.encode() if self.origin else None,
        }
        return tuple((name, value) for name, value in told.items() if value is not None)


def is_nothing(record: Record) -> bool:
    """Whether it has neither key nor value: Kafka's producers take no such message."""
    return record.key is None and record.value is None


def is_original(found: Record | None, letter: Letter, record: Record) -> bool:
    """Whether the record at the letter's place is the one that failed, and not one of a topic that was made anew."""
    same_key = found is not None and (letter.original_omitted or found.key == record.key)
    return found is not None and same_key and found.timestamp == letter.requested
