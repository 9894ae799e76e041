"""What a worker writes to the journal, and what the acknowledgement tells it: `Assignment.write` and who calls it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chaos.protocol import CONFIRMED, GONE, UNKNOWN, Rules, State, Worker, is_accepted, name, put
from chaos.reading import EXISTS, INTENT, RELEASED, End, Finish, Reading, Said, judged

from worker.journal.recall import CreatedBefore, Fresh, InDoubt, Recollection

Step = tuple[str, State]


@dataclass(frozen=True)
class Writing:
    """Under these rules; each attempt, release and end is handed over first and acted on when it has landed."""

    rules: Rules
    reading: Reading = field(init=False)

    def __post_init__(self) -> None:
        finish = Finish.ITS_OWN if self.rules.evidence else Finish.FIRST
        finish = finish if self.rules.first_finish_wins else Finish.LAST
        reading = Reading(
            finish,
            own_keys=self.rules.own_keys,
            claims=self.rules.late_is_evidence,
            headers=self.rules.headers,
            places=self.rules.places,
        )
        object.__setattr__(self, "reading", reading)

    def _stopped(self, worker: Worker) -> bool:
        return worker.fenced and self.rules.fence_at_intent

    def _startable(self, s: State, worker: Worker) -> Iterator[int]:
        """In their order; only after an error of ours another one may come first.

        A person's word has a key of its own here, so that it may come before a repeat as well as behind it.
        """
        unheard = {record for record, _ in worker.unheard}
        taken = unheard.union(worker.done, worker.left)
        yield from (record for record in s.confirming if record not in taken)
        for record in range(len(s.told)):
            if record in taken or record in s.confirming:
                continue
            if not self._stopped(worker) or not isinstance(self._recalled(s, worker, record), Fresh):
                yield record
            if not self.rules.trips:
                return

    def _recalled(self, s: State, worker: Worker, record: int) -> Recollection:
        """Without `own_intent_is_doubt` an accepted replay is sent whatever is open."""
        accepted = is_accepted(self.rules, s, record)
        known = self.reading.recalled(worker.known, record, accepted, worker.event)
        if not self.rules.confirmed_is_known and isinstance(known, CreatedBefore):
            known = Fresh() if known.outcome.resolution == CONFIRMED else known
        reckless = accepted and not self.rules.own_intent_is_doubt
        return Fresh(known.attempts, known.exists) if reckless and isinstance(known, InDoubt) else known

    def _again(self, s: State, number: int, worker: Worker) -> State:
        """The next attempt, from its intent on."""
        if self._stopped(worker):
            return self._given_up(s, number, worker)
        return self._hands(s, number, worker, INTENT, worker.attempts + 1)

    def _ends(self, s: State, number: int, worker: Worker, end: str) -> State:
        """A fenced worker writes it down as well, as evidence."""
        if worker.fenced and not self.rules.evidence:
            return self._given_up(s, number, worker)
        return self._hands(s, number, worker._replace(attempts=0, doubt="", end="", exists=False), end)

    def _doubts(self, s: State, number: int, worker: Worker) -> State:
        """Without a look-up there is nothing to wait for: parked at once."""
        if self.rules.look_up:
            return put(s, number, worker._replace(at="settles", handed=None))
        return self._ends(s, number, worker, UNKNOWN)

    def _releases(self, s: State, number: int, worker: Worker) -> State:
        """A fenced worker writes it down as well: what was refused is no doubt of the next owner's."""
        if worker.fenced and not self.rules.evidence:
            return self._given_up(s, number, worker)
        return self._hands(s, number, worker, RELEASED, worker.attempts)

    def _hands(self, s: State, number: int, worker: Worker, what: str, attempt: int = 0) -> State:
        """Write-ahead: nothing else of this record happens until the entry has landed and is acknowledged."""
        said = Said(number, worker.record, what, attempt, event=worker.event)
        if what == UNKNOWN and self.rules.ends_know:
            said = self.reading.finish(worker.known, said)
        return put(s, number, worker._replace(at="writing", handed=said, lease_over=False))

    def _lands(self, s: State, number: int, worker: Worker) -> Step:
        """As `Assignment.write` after its append; of a dead writer the entry may land as well."""
        assert worker.handed
        said, offset = worker.handed, len(s.log)
        log = (*s.log, said)
        label = f"{name(number)}'s {said.what} lands at {offset}"
        if worker.at == "gone":
            return label, put(s, number, GONE, log=log)
        last, fenced = judged(worker.claimed, worker.last, worker.fenced, offset)
        known = self.reading.learned(worker.known, said)
        after = worker._replace(last=last, fenced=fenced, known=known, handed=None)
        return f"{label}{', a gap' if fenced else ''}", self._acknowledged(s._replace(log=log), number, after, said)

    def _acknowledged(self, s: State, number: int, worker: Worker, said: Said) -> State:
        if said.what in {INTENT, RELEASED, EXISTS}:
            if self._stopped(worker):
                return self._given_up(s, number, worker)
            if said.what == INTENT:
                return put(s, number, worker._replace(at="sends"))
            if said.what == EXISTS:
                return self._doubts(s, number, worker)
            return self._ends(s, number, worker, worker.end) if worker.end else self._again(s, number, worker)
        if worker.fenced and self.rules.fence_at_finish:
            return self._given_up(s, number, worker)
        unheard = (*worker.unheard, (said.record, End(said.what, number)))
        return self._put_free(s, number, worker._replace(unheard=unheard))

    def _given_up(self, s: State, number: int, worker: Worker) -> State:
        """The record ends here without an outcome; whoever has the partition takes it up."""
        return self._put_free(s, number, worker._replace(left=(*worker.left, worker.record)))

    def _put_free(self, s: State, number: int, worker: Worker, **more: Any) -> State:
        free = worker._replace(at="free", record=-1, attempts=0, lease_over=False, doubt="", end="", exists=False)
        return put(s, number, GONE if self._is_over(s, free) else free, **more)

    def _is_over(self, s: State, worker: Worker) -> bool:
        """It cannot do anything any more, and is forgotten: states are told apart by what matters."""
        idle = worker.at == "free" and not worker.unheard and worker.generation != s.generation
        return idle and not s.confirmations and next(self._startable(s, worker), None) is None
