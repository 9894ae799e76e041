"""What the real journal makes of a log: what a reader knows or a writer decides is asked of `worker.journal`."""

from collections.abc import Hashable, Iterator
from dataclasses import fields, is_dataclass, replace
from enum import Enum, auto
from functools import cache
from typing import Any, Final, NamedTuple, get_args
from uuid import UUID

from worker.journal.entries import Claim, Entry, EntryKey, Finished, Intent, Released
from worker.journal.fence import Fence
from worker.journal.journal import PartitionJournal
from worker.journal.lease import Lease, Moment
from worker.journal.recall import Recollection
from worker.model.evidence import NO_EVIDENCE, Evidence
from worker.model.outcomes import Failed, Outcome, Reason, ReasonCode, Resolution, Succeeded

EVENTS: Final = (UUID(int=1), UUID(int=2))
"""What is asked for; the second one is what other settings make of the same records."""
CLAIM, INTENT, RELEASED, EXISTS = "claim", "intent", "released", "exists"
NO_ENDS: Final = {CLAIM, INTENT, RELEASED, EXISTS}
RESOLUTIONS: Final[tuple[Resolution, ...]] = get_args(Resolution)
_LEASE: Final = Lease(Moment(0, 0), ttl=1)
LEASE_IS_OVER: Final = {over: _LEASE.is_over(Moment(float(over), 0)) for over in (False, True)}


class Said(NamedTuple):
    """One entry of the log: `what` is a claim, an intent, a release, that the customer exists under an id that nobody
    knows, or the end that was written for the record; `knows` that an end says so, too.
    """

    writer: int
    record: int
    what: str
    attempt: int = 0
    knows: bool = False
    event: int = 0


class End(NamedTuple):
    """A terminal event: two writers' ends of a record are two, even where both say the same."""

    what: str
    writer: int


class Finish(Enum):
    """What a finish of a record says to a reader."""

    ITS_OWN = auto()
    FIRST = auto()
    LAST = auto()


def outcome(end: End) -> Outcome:
    """As the worker has it."""
    for resolution in RESOLUTIONS:
        if end.what == resolution:
            return Succeeded(f"{end.writer}", f"/{end.writer}", "individual", 1, resolution)
    return Failed(Reason(ReasonCode(end.what), f"{end.writer}"), 1)


@cache
def end_of(known: Outcome) -> End:
    """The way back from `outcome`."""
    match known:
        case Succeeded():
            return End(known.resolution, int(known.customer_id))
        case Failed():
            return End(known.reason.code.value, int(known.reason.message))


@cache
def entry(said: Said) -> Entry:
    """As it stands in the topic."""
    match said.what:
        case "intent":
            return Intent(said.attempt)
        case "released":
            return Released(said.attempt)
        case "exists":
            return Intent(said.attempt, evidence=Evidence(exists=True))
        case what:
            evidence = Evidence(exists=True) if said.knows else NO_EVIDENCE
            return Finished(outcome(End(what, said.writer)), evidence=evidence)


@cache
def judged(claimed: int, last: int, broken: bool, offset: int) -> tuple[int, bool]:  # noqa: FBT001  a fence, taken apart
    """The fence after this acknowledgement: its last offset, and whether it is broken."""
    fence = Fence(claimed, broken)
    fence.last = last
    fence.acknowledged(offset)
    # A broken fence stays broken, so that it does not matter where.
    return (-1, True) if fence.broken else (fence.last, False)


class Reading:
    """Journals by number: equal ones have one number, so that states which know the same are the same state.

    Guards are taken away by what a journal is given: `FIRST` or `LAST` makes every finish of a record say what that
    one says. Without `own_keys` all writers have one name. Without `claims` a reader takes no notice of them. Without
    `headers` it is that of an earlier version, for which that a customer exists is an intent like every other. Without
    `places` it is that of a group which has committed all there is, so that no offset is asked for any more.
    """

    def __init__(
        self,
        finish: Finish = Finish.ITS_OWN,
        *,
        own_keys: bool = True,
        claims: bool = True,
        headers: bool = True,
        places: bool = True,
    ) -> None:
        self._finish = finish
        self._below = 0 if places else 1 << 60
        self._headers = headers
        self._own_keys = own_keys
        self._claims = claims
        self._logs: list[tuple[Said, ...]] = []
        self._journals: list[PartitionJournal] = []
        self._numbers: dict[Hashable, int] = {}
        self.restored = cache(self._restored)
        self.learned = cache(self._learned)
        self.recalled = cache(self._recalled)
        self.finish = cache(self._finished)

    def writer(self, number: int) -> str:
        """Its name in a key."""
        return str(number) if self._own_keys else "any"

    def _restored(self, log: tuple[Said, ...]) -> tuple[int, ...]:
        """What may be read of that log: all of it first, then what compaction may have left of it."""
        return tuple(dict.fromkeys(self._read(left) for left in self._compactions(log)))

    def _learned(self, known: int, said: Said) -> int:
        """An entry more."""
        return self._read((*self._logs[known], said))

    def _recalled(self, known: int, record: int, accepted: bool = False, event: int = 0) -> Recollection:  # noqa: FBT001, FBT002  cached
        """What the journal says of that record, which is read as that event."""
        return self._journals[known].recall(EVENTS[event], record, doubts_accepted=accepted)

    def _finished(self, known: int, said: Said) -> Said:
        """That end as it is written by who knows that: asked of the journal."""
        written = self._journals[known].finish(EVENTS[said.event], outcome(End(said.what, said.writer)))
        return said._replace(knows=written.evidence.exists)

    def _compactions(self, log: tuple[Said, ...]) -> Iterator[tuple[Said, ...]]:
        """The cleaner keeps the last entry of each key, as far as it has come."""
        for cleaned in range(len(log) + 1):
            last = {self._key(said): offset for offset, said in enumerate(log[:cleaned])}
            yield tuple(log[offset] for offset in sorted(last.values())) + log[cleaned:]

    def _key(self, said: Said) -> Hashable:
        return (CLAIM, said.writer) if said.what == CLAIM else self._entry_key(said)

    def _entry_key(self, said: Said) -> EntryKey:
        return EntryKey(EVENTS[said.event], said.record, self.writer(said.writer))

    def _read(self, log: tuple[Said, ...]) -> int:
        journal, claimant = PartitionJournal(self._below), ""
        places: dict[int, int] = {}
        for each in log:
            if each.what != CLAIM:
                journal.apply(self._entry_key(each), self._entry(each, log), 0)
                places.setdefault(each.record, each.event)
            elif self._claims:
                claimant = self.writer(each.writer)
                journal.claimed(Claim(claimant), 0)
        known = (claimant, _frozen(places), *(_frozen(journal.known(event)) for event in EVENTS))
        number = self._numbers.setdefault(known, len(self._journals))
        if number == len(self._journals):
            self._journals.append(journal)
            self._logs.append(log)
        return number

    def _entry(self, said: Said, log: tuple[Said, ...]) -> Entry:
        finishes = [each for each in log if each.record == said.record and each.what not in NO_ENDS]
        if self._finish is not Finish.ITS_OWN and said in finishes:
            said = finishes[0 if self._finish is Finish.FIRST else -1]
        written = entry(said)
        if self._headers or isinstance(written, Released):
            return written
        return replace(written, evidence=NO_EVIDENCE)


def _frozen(value: Any) -> Hashable:  # whatever the journal keeps
    """All that an object holds, as a value."""
    if isinstance(value, dict):
        return tuple((key, _frozen(item)) for key, item in sorted(value.items()))
    if isinstance(value, set):
        return frozenset(value)
    if is_dataclass(value) and type(value).__hash__ is None:
        return tuple(_frozen(getattr(value, each.name)) for each in fields(value))
    assert isinstance(value, Hashable)
    return value
