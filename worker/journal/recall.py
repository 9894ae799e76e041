"""What the journal knows of a record before it is worked on, and so whether it may lead to a POST."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from worker.journal.known import KnownRecord, is_unknown
from worker.model.evidence import NO_EVIDENCE, Evidence
from worker.model.frozen import frozen
from worker.model.outcomes import Outcome, Succeeded


@frozen()
class Fresh:
    """The customer may be created by a POST; `attempts` earlier ones were answered.

    With `exists` the API has a customer of the event already, under an unknown id, and a person has accepted a second.
    `evidence` says whether the answer to an earlier POST for this record was lost before a look-up found nothing.
    """

    attempts: int = 0
    exists: bool = False
    evidence: Evidence = NO_EVIDENCE


@dataclass(frozen=True, slots=True)
class Ended:
    """This same record has an outcome already; only its result has to be published again."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class CreatedBefore:
    """The customer was created for another record of the same event."""

    outcome: Succeeded


@dataclass(frozen=True, slots=True)
class InDoubt:
    """A POST of this event may have been carried out, or may still be on its way; `writers` have open intents.

    Where `exists` is True it was carried out: then not even a look-up that finds nothing allows another POST.
    """

    attempts: int
    writers: frozenset[str] = frozenset()
    evidence: Evidence = NO_EVIDENCE

    @property
    def exists(self) -> bool:
        """Whether the API said that it made the customer, but not under which id."""
        return self.evidence.exists


@dataclass(frozen=True, slots=True)
class DoubtAsAnother:
    """This same record was in doubt as another event: the settings that decide which event it is have changed since.

    A look-up by its present event cannot find what may have been created under the other one.
    """

    attempts: int


Recollection = Fresh | Ended | CreatedBefore | InDoubt | DoubtAsAnother


def recall(
    records: Mapping[int, KnownRecord], taken: Mapping[int, KnownRecord], event: int, *, doubts_accepted: bool
) -> Recollection:
    """What is known of a record before it is worked on; see `PartitionJournal.recall`.

    `records` are all known records of its event, by offset. `taken` is this very record under each event that it was
    taken for, this one included, in their order: the settings that say which event a record is may be changed, and
    changed back, but its end and its customer stay what they were first.
    """
    own, others = taken[event], [known for number, known in taken.items() if number != event]
    if outcome := next((known.outcome for known in taken.values() if known.outcome), None):
        return Ended(outcome)
    if created := next((known.created for known in (*records.values(), *others) if known.created), None):
        return CreatedBefore(created)
    if doubt := next((known for known in others if known.in_doubt()), None):
        return DoubtAsAnother(doubt.attempts)
    evidence = evidence_of(records)
    if any(known.in_doubt() and not (doubts_accepted and is_parked(known)) for known in records.values()):
        return InDoubt(own.attempts, frozenset().union(*(known.open for known in records.values())), evidence)
    return Fresh(own.attempts, exists=evidence.exists, evidence=own.evidence)


def evidence_of(records: Mapping[int, KnownRecord]) -> Evidence:
    """The evidence of all doubts of an event. What was found before is known only if each of them knows it."""
    doubts = [known.evidence for known in records.values() if known.in_doubt()]
    founds = [found for evidence in doubts if (found := evidence.found_before) is not None]
    found = tuple(sorted({*chain.from_iterable(founds)})) if founds and len(founds) == len(doubts) else None
    evidence = Evidence(any(each.exists for each in doubts), found)
    return NO_EVIDENCE if evidence == NO_EVIDENCE else evidence


def is_parked(known: KnownRecord) -> bool:
    """Whether the record ended as unknown, which its dead letter told a person."""
    return known.outcome is not None and is_unknown(known.outcome)
