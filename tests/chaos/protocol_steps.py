"""The steps that a state of the protocol allows, in the order of `assignment`, `creation`, `pipeline` and `intake`.

What a step changes in its own worker alone is one with the step before it, since nobody could tell them apart: an entry
is acknowledged when it lands, an answer hands its entry over, and what stands before a claim is read with the claim (a
journal that was kept over a rebalance is one that could have been read). Time is bounded by the settling alone: then
no POST of an intent that stood before the claim is on its way any more, and its lease is over.
"""

from collections.abc import Iterator

from chaos.protocol import (
    ALREADY_CREATED,
    CREATED,
    EXHAUSTED,
    GONE,
    NO_GENERATION,
    RECONCILED,
    REJECTED,
    UNKNOWN,
    State,
    Worker,
    added,
    claimed,
    ended,
    intends,
    name,
    put,
    without,
)
from chaos.protocol_confirms import Confirming, unheeded
from chaos.protocol_writes import Step
from chaos.reading import CLAIM, EXISTS, INTENT, LEASE_IS_OVER, Said, end_of

from worker.journal.recall import CreatedBefore, DoubtAsAnother, Ended, Fresh, InDoubt


class Model(Confirming):
    """Which steps a state allows."""

    def steps(self, s: State) -> Iterator[Step]:
        """What workers and the API do, and the group where nobody has the partition."""
        for number, worker in enumerate(s.workers):
            if worker.handed:
                yield self._lands(s, number, worker)
            elif does := getattr(self, f"_{worker.at}", None):
                yield from does(s, number, worker)
            if worker.at != "gone":
                yield from self._published(s, number, worker)
                yield from self._membership(s, number, worker)
        yield from late(s)
        if not ended(s) and all(worker.generation != s.generation for worker in s.workers):
            yield self._moved(s, s.moves)

    def faults(self, s: State) -> Iterator[Step]:
        """What nobody needs for the event to end."""
        yield from self._told_by_a_person(s)
        if ended(s):
            return
        if s.moves:
            yield self._moved(s, s.moves - 1)
        for number, worker in enumerate(s.workers):
            if s.tellings and NO_GENERATION != worker.generation != s.generation:
                told = s._replace(tellings=s.tellings - 1)
                yield f"{name(number)} is told that it lost it", self._closed(told, number, worker)
            if s.crashes and worker.generation == s.generation and worker.at != "outside":
                dead = GONE._replace(handed=worker.handed)
                yield f"{name(number)} crashes", put(s, number, dead, crashes=s.crashes - 1)

    def _outside(self, s: State, number: int, worker: Worker) -> Iterator[Step]:
        """What is read up to a claim is the same whenever it is read, so that claiming and reading are one step."""
        if not self.rules.read_up_to_claim:
            for known in self.reading.restored(s.log):
                yield f"{name(number)} reads", put(s, number, worker._replace(at="read", known=known))
            return
        for compacted, known in enumerate(self.reading.restored(s.log)):
            how = "claims, reads what compaction left" if compacted else "claims, reads"
            yield f"{name(number)} {how}", self._claimed(s, number, worker, known)

    def _read(self, s: State, number: int, worker: Worker) -> Iterator[Step]:
        yield f"{name(number)} claims", self._claimed(s, number, worker, worker.known)

    def _claimed(self, s: State, number: int, worker: Worker, known: int) -> State:
        return claimed(s, number, worker, self.reading.learned(known, Said(number, -1, CLAIM)))

    def _free(self, s: State, number: int, worker: Worker) -> Iterator[Step]:
        """As `Pipeline`: one record of the event at a time; when a worker is fenced, the next may already wait."""
        for record in self._startable(s, worker):
            taken = worker._replace(record=record, attempts=0, doubt="", end="", exists=False)
            if record in s.confirming:
                yield from self._confirms(s, number, taken)
                continue
            match self._recalled(s, worker, record):
                case Ended(outcome):
                    unheard = (*worker.unheard, (record, end_of(outcome)))
                    yield f"{name(number)} recalls r{record}'s end", put(s, number, worker._replace(unheard=unheard))
                case CreatedBefore():
                    label = f"{name(number)} recalls for r{record} that it exists"
                    yield label, self._ends(s, number, taken, ALREADY_CREATED)
                case Fresh(attempts, exists):
                    begun = taken._replace(attempts=attempts, exists=exists)
                    yield f"{name(number)} starts r{record}", self._again(s, number, begun)
                case InDoubt(attempts, writers) as known:
                    doubt = "own" if self.reading.writer(number) in writers else "foreign"
                    doubting = taken._replace(attempts=attempts, doubt=doubt, exists=known.exists)
                    yield f"{name(number)} is in doubt", self._doubts(s, number, doubting)
                case DoubtAsAnother():
                    yield f"{name(number)} is in doubt of another event", self._ends(s, number, taken, UNKNOWN)

    def _moved(self, s: State, moves: int) -> Step:
        to = s._replace(generation=s.generation + 1, moves=moves)
        workers = (GONE if self._is_over(to, worker) else worker for worker in s.workers)
        label = f"the group gives it to {name(len(s.workers))}"
        return label, to._replace(workers=(*workers, self._another(to)))

    def _another(self, s: State) -> Worker:
        """A worker that has the partition from now on, under the settings of its turn."""
        return Worker(s.generation, event=len(s.workers) % 2 if self.rules.remapped else 0)

    def _sends(self, s: State, number: int, worker: Worker) -> Iterator[Step]:
        """The last look, and the POST in the same instant; or no connection, no session, no time left."""
        fenced = worker.fenced and self.rules.fence_at_last_look
        if fenced or (LEASE_IS_OVER[worker.lease_over] and self.rules.lease):
            yield f"{name(number)} looks last, in vain", self._releases(s, number, worker)
            return
        posts = tuple(sorted((*s.posts, (number, worker.record))))
        told = s.unheeded or unheeded(s, number, worker.record)
        sent = put(s, number, worker._replace(at="waits"), posts=posts, unheeded=told)
        yield f"{name(number)} POSTs r{worker.record}", sent
        if s.unsent:
            yield f"{name(number)} cannot send", self._releases(s._replace(unsent=s.unsent - 1), number, worker)

    def _waits(self, s: State, number: int, worker: Worker) -> Iterator[Step]:
        """The API's answers, and none."""
        me, post = name(number), (number, worker.record)
        answered = s._replace(posts=without(s.posts, post))
        executed = answered._replace(executed=added(s.executed, worker.record))
        asked = worker._replace(attempts=worker.attempts + 1)
        yield f"{me} gets 201", self._ends(executed, number, asked, CREATED)
        doubting = asked._replace(doubt="own")
        yield f"{me} is executed, the reply is lost", self._doubts(executed, number, doubting)
        knowing = doubting._replace(exists=True)
        yield f"{me} gets 201 without Location", self._hands(executed, number, knowing, EXISTS, asked.attempts)
        yield f"{me} waits no longer", self._doubts(s, number, doubting)
        if worker.doubt:
            yield f"{me} gets 400", put(answered, number, asked._replace(at="settles", end=REJECTED))
        else:
            yield f"{me} gets 400", self._ends(answered, number, asked, REJECTED)
        last = asked.attempts >= self.rules.max_attempts
        yield f"{me} gets 503", self._releases(answered, number, asked._replace(end=EXHAUSTED if last else ""))
        yield f"{me} gets 401", put(answered, number, worker._replace(at="sends"))
        if s.trips:
            yield f"{me} trips", self._put_free(s._replace(trips=s.trips - 1), number, worker)

    def _settles(self, s: State, number: int, worker: Worker) -> Iterator[Step]:
        """Time passes, if a POST that may have been meant is not on its way any more; then the look-up says what is."""
        intents = {said.writer for said in s.log[: worker.claimed] if said.what == INTENT}
        meant = intents | {number} if worker.doubt == "own" else intents
        if self.rules.settle:
            if any(writer in meant for writer, _ in s.posts):
                return
            s = s._replace(
                workers=tuple(
                    other._replace(lease_over=True) if writer in meant and intends(other) else other
                    for writer, other in enumerate(s.workers)
                )
            )
        me = name(number)
        yield f"{me} settles, cannot look up", self._ends(s, number, worker, UNKNOWN)
        if any(s.executed):
            yield f"{me} settles, finds it", self._ends(s, number, worker, RECONCILED)
        if not any(s.executed) or self._is_missed(s, number, worker):
            yield f"{me} settles, finds nothing", self._finds_nothing(s, number, worker)

    def _is_missed(self, s: State, number: int, worker: Worker) -> bool:
        """The only customer there is has an id that nobody knows, and the worker could have read that in the log."""
        read = [said for at, said in enumerate(s.log) if at < worker.claimed or said.writer == number]
        return self.rules.unfindable and sum(s.executed) == 1 and any(said.what == EXISTS for said in read)

    def _finds_nothing(self, s: State, number: int, worker: Worker) -> State:
        if worker.exists:
            return self._ends(s, number, worker, UNKNOWN)
        if worker.end or worker.attempts >= self.rules.max_attempts:
            return self._ends(s, number, worker, worker.end or EXHAUSTED)
        return self._again(s, number, worker)

    def _published(self, s: State, number: int, worker: Worker) -> Iterator[Step]:
        """Nothing is asked any more before an end is published; that was asked when it was acknowledged."""
        for record, end in worker.unheard:
            unheard = tuple(each for each in worker.unheard if each[0] != record)
            done = worker._replace(unheard=unheard, done=tuple(sorted((*worker.done, record))))
            told = list(s.told)
            told[record] = tuple(sorted({*told[record], end}))
            label = f"{name(number)} publishes {end.what} of r{record}"
            if done.at == "free":
                yield label, self._put_free(s, number, done, told=tuple(told))
            else:
                yield label, put(s, number, done, told=tuple(told))

    def _membership(self, s: State, number: int, worker: Worker) -> Iterator[Step]:
        """Commits, and claiming anew after one that the group accepted; a refused commit changes nothing."""
        me = name(number)
        if worker.generation != s.generation:
            return
        committed = s.committed
        while committed in worker.done:
            committed += 1
        if committed > s.committed:
            yield f"{me} commits", s._replace(committed=committed)
        if worker.fenced:
            closed = self._closed(s, number, worker)
            label = f"{me} is still a member and claims anew as {name(len(s.workers))}"
            yield label, closed._replace(workers=(*closed.workers, self._another(s)), committed=committed)

    def _closed(self, s: State, number: int, worker: Worker) -> State:
        """What is in flight goes on, and neither sends nor publishes."""
        if worker.at in {"outside", "read"}:
            return put(s, number, GONE)
        closed = worker._replace(generation=NO_GENERATION, fenced=True, last=-1)
        return self._put_free(s, number, closed) if closed.at == "free" else put(s, number, closed)


def late(s: State) -> Iterator[Step]:
    """A POST whose client gave up or died."""
    for post in dict.fromkeys(s.posts):
        writer, record = post
        worker = s.workers[writer]
        if s.posts.count(post) > (worker.at == "waits" and worker.record == record):
            gone = s._replace(posts=without(s.posts, post))
            yield f"{name(writer)}'s POST is executed late", gone._replace(executed=added(s.executed, record))
            yield f"{name(writer)}'s POST is never executed", gone
