"""What the entries of one event say of it, record by record."""

from dataclasses import dataclass, field

from worker.journal.entries import Entry, Finished, Intent, Released
from worker.model.evidence import NO_EVIDENCE, Evidence
from worker.model.outcomes import Failed, Outcome, ReasonCode, Succeeded


@dataclass(slots=True)
class KnownRecord:
    """One record of an event. `open` are the writers whose POST may have been carried out.

    `outcome` is the first that counts; `created` is a customer, whether it was told or not; `unknown` is that some
    writer parked it, and a doubt outlives every failure that somebody else is certain of. `evidence` outlives both.
    """

    open: set[str] = field(default_factory=set)
    attempts: int = 0
    outcome: Outcome | None = None
    created: Succeeded | None = None
    unknown: bool = False
    evidence: Evidence = NO_EVIDENCE

    def in_doubt(self) -> bool:
        """Nobody can tell from this record alone whether the customer exists, or under which id."""
        return self.created is None and (self.unknown or self.evidence.exists or bool(self.open))

    def learn(self, evidence: Evidence) -> None:
        """What an entry says beside its attempt."""
        if evidence is not NO_EVIDENCE:
            self.evidence |= evidence

    def note(self, writer: str, entry: Entry, *, counts: bool) -> None:
        """Its next entry. An outcome that does not `count` was never told, and never will be: it is evidence alone."""
        match entry:
            case Intent(attempt):
                self.learn(entry.evidence)
                self.open.add(writer)
                self.attempts = max(self.attempts, attempt)
            case Released(attempt):
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
        if not self.in_doubt():
            self.evidence = NO_EVIDENCE


def is_unknown(outcome: Outcome) -> bool:
    """Nobody could tell whether the customer was created."""
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
