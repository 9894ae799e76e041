"""What the entries of one event say of it, record by record."""

from dataclasses import dataclass, field

from worker.journal.entries import Entry, Finished, Intent, Released
from worker.model.evidence import NO_EVIDENCE, Evidence
from worker.model.outcomes import Failed, Outcome, ReasonCode, Succeeded


@dataclass(slots=True)
class KnownRecord:
    """What is known of one record of an event. `open` are the writers whose POST may have been carried out.

    `outcome` is the first one that counts. `created` is the customer that a writer made, whether it was told or not.
    `unknown`: some writer parked the record, and this doubt outlives a failure that another writer is certain of.
    `evidence` is kept until the record is in no doubt, or has ended where it says that an answer was lost.
    """

    open: set[str] = field(default_factory=set)
    attempts: int = 0
    outcome: Outcome | None = None
    created: Succeeded | None = None
    unknown: bool = False
    evidence: Evidence = NO_EVIDENCE

    def in_doubt(self) -> bool:
        """Whether this record alone leaves open if the customer exists, or under which id."""
        return self.created is None and (self.unknown or self.evidence.exists or bool(self.open))

    def learn(self, evidence: Evidence) -> None:
        """Add the evidence that an entry holds."""
        if evidence is not NO_EVIDENCE:
            self.evidence |= evidence

    def note(self, writer: str, entry: Entry, *, counts: bool) -> None:
        """Apply the record's next entry.

        An outcome that does not `count` was never published and never will be: it is evidence only.
        """
        match entry:
            case Intent(attempt):
                self.learn(entry.evidence)
                self.open.add(writer)
                self.attempts = max(self.attempts, attempt)
            case Released(attempt):
                self.learn(entry.evidence)
                self.open.discard(writer)
                self.attempts = attempt
            case Finished(outcome):
                self.learn(entry.evidence)
                self.open.discard(writer)
                self.outcome = self.outcome or (outcome if counts else None)
                if isinstance(outcome, Succeeded):
                    self.created = self.created or outcome
                elif is_unknown(outcome):
                    self.unknown = True
        if not self.in_doubt() and (self.outcome or self.created or not self.evidence.lost):
            self.evidence = NO_EVIDENCE


def is_unknown(outcome: Outcome) -> bool:
    """Whether the outcome is that nobody could tell if the customer was created."""
    return isinstance(outcome, Failed) and outcome.reason.code is ReasonCode.OUTCOME_UNKNOWN


def ended(outcome: Outcome, attempts: int = 0) -> KnownRecord:
    """A record of which nothing but its outcome is known."""
    created = outcome if isinstance(outcome, Succeeded) else None
    return KnownRecord(set(), attempts, outcome, created, is_unknown(outcome))


@dataclass(slots=True)
class KnownEvent:
    """All records of an event, by their offsets; `seen` is the time of its last entry, in milliseconds."""

    seen: int = 0
    records: dict[int, KnownRecord] = field(default_factory=dict)
