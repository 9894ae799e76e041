"""The journal's protocol as states: workers over one log and one CRM, for the records of one event.

Each claim is a worker of its own here: a process that claims anew writes under a new name, and what its old claim
still does goes on beside it. A step may be delayed for ever, which is what a freeze is, and a crash to all others.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from chaos.reading import CLAIM, INTENT, RESOLUTIONS, End, Said

from worker.model.outcomes import ReasonCode

UNKNOWN = ReasonCode.OUTCOME_UNKNOWN.value
REJECTED = ReasonCode.REJECTED.value
REFUSED = ReasonCode.REFUSED.value
EXHAUSTED = ReasonCode.RETRIES_EXHAUSTED.value
CREATED, ALREADY_CREATED, RECONCILED, CONFIRMED = RESOLUTIONS
NO_GENERATION = -1
UNHEEDED = "sent, though a person had said that it exists"
NOT_BELIEVED = "failed, says the event, and it exists"


@dataclass(frozen=True, slots=True)
class Rules:
    """The guards, each of which can be taken away, and how much may go wrong."""

    look_up: bool = False
    records: int = 1
    """Of the one event: from the second on they are repeats."""
    accepted: bool = False
    """Repeats are replays for which duplicates are accepted, from the moment on when the first record was parked."""
    own_intent_is_doubt: bool = True
    """An accepted replay's own open intent, and every other one that nobody has settled, is a doubt all the same."""
    fence_at_intent: bool = True
    fence_at_last_look: bool = True
    fence_at_finish: bool = True
    lease: bool = True
    settle: bool = True
    own_keys: bool = True
    first_finish_wins: bool = True
    read_up_to_claim: bool = True
    evidence: bool = True
    late_is_evidence: bool = True
    """A finish by who had lost the partition, as the claims before it in the log tell, is no outcome."""
    confirmed_is_known: bool = True
    """What a person confirmed is the event's customer, and not the end of its own record alone."""
    confirmations: int = 0
    """How often a person who has found the customer in the CRM says so."""
    headers: bool = True
    """What an earlier version cannot read is read: that a customer exists under an id that nobody knows."""
    ends_know: bool = True
    """The end of a doubt says so as well: it may be all that compaction leaves."""
    remapped: bool = False
    """Every second claim reads another event out of the same records: a limit or a mapping was changed, and back."""
    places: bool = True
    """What is known of a record is recalled by its offset as well."""
    unfindable: bool = False
    """Such a customer is not found by who knows of it either."""
    moves: int = 1
    """How often the group gives the partition to another worker that nobody told to stop."""
    crashes: int = 0
    unsent: int = 0
    """Intents whose POST did not leave: no connection, or the lease ran out while it waited."""
    trips: int = 0
    """Errors of our own after a POST left: the record is taken up again under the same claim."""
    tellings: int = 0
    """How often a worker that lost the partition hears of it; otherwise it goes on until it sees the gap."""
    max_attempts: int = 2


def named(rules: Rules) -> str:
    """What differs from the plainest rules."""
    plain = Rules()
    differing = [each for each in Rules.__slots__ if getattr(rules, each) != getattr(plain, each)]
    return ", ".join(f"{each}={getattr(rules, each)}" for each in differing) or "plain"


class Worker(NamedTuple):
    """One claim of the partition, from before it is written."""

    generation: int
    at: str = "outside"
    known: int = -1
    claimed: int = -1
    last: int = -1
    fenced: bool = False
    done: tuple[int, ...] = ()
    left: tuple[int, ...] = ()
    unheard: tuple[tuple[int, End], ...] = ()
    record: int = -1
    attempts: int = 0
    handed: Said | None = None
    lease_over: bool = False
    doubt: str = ""
    end: str = ""
    exists: bool = False
    event: int = 0
    """Which event it reads out of the records."""


GONE = Worker(NO_GENERATION, "gone")


class State(NamedTuple):
    """Everything: `posts` are on their way, `executed` counts customers by record, `told` the events published."""

    log: tuple[Said, ...]
    workers: tuple[Worker, ...]
    generation: int
    posts: tuple[tuple[int, int], ...]
    executed: tuple[int, ...]
    told: tuple[tuple[End, ...], ...]
    committed: int
    moves: int
    crashes: int
    unsent: int
    trips: int
    tellings: int
    confirmations: int = 0
    confirming: tuple[int, ...] = ()
    """The records that are a person's word."""
    unheeded: bool = False
    """Something was sent in spite of it."""


def start(rules: Rules) -> State:
    """The group has given the partition to a first worker."""
    none = tuple(0 for _ in range(rules.records))
    told: tuple[tuple[End, ...], ...] = tuple(() for _ in none)
    return State(
        (),
        (Worker(0),),
        0,
        (),
        none,
        told,
        0,
        rules.moves,
        rules.crashes,
        rules.unsent,
        rules.trips,
        rules.tellings,
        rules.confirmations,
    )


def ended(state: State) -> bool:
    """Every record's offset is committed."""
    return state.committed == len(state.told)


def is_accepted(rules: Rules, state: State, record: int) -> bool:
    """A person has read in a dead letter that the customer may exist, and said that a second one does no harm."""
    return rules.accepted and record > 0 and any(end.what == UNKNOWN for end in state.told[0])


def wrong(state: State, rules: Rules | None = None) -> str | None:
    """Which promise is broken, if one is. One word of a person stands for one POST of one record."""
    repeats = [record for record in range(1, len(state.told)) if record not in state.confirming]
    allowed = all(is_accepted(rules or Rules(), state, record) for record in repeats)
    if state.unheeded:
        return UNHEEDED
    if max(state.executed) > 1 or (sum(state.executed) > 1 and not allowed):
        return "duplicate"
    for record, ends in enumerate(state.told):
        if len(ends) > 1:
            return "two terminal events"
        if record < state.committed and not ends:
            return "lost"
        if any(end.what in RESOLUTIONS for end in ends) and not any(state.executed):
            return "created, says the event, and it does not exist"
    return None


def untrue(state: State) -> str | None:
    """Whether an event says for certain that its record made no customer, and it did."""
    for ends, executed in zip(state.told, state.executed, strict=True):
        if executed and any(end.what in {REJECTED, EXHAUSTED} for end in ends):
            return NOT_BELIEVED
    return None


def name(worker: int) -> str:
    """In schedules: a, b, c in the order in which the group gave them the partition."""
    return "abcdefghijklmnopqrstuvwxyz"[worker]


def intends(worker: Worker) -> bool:
    return worker.at == "sends" or (worker.handed is not None and worker.handed.what == INTENT)


def claimed(s: State, number: int, worker: Worker, known: int) -> State:
    """Records are read from the group's offset on."""
    at = len(s.log)
    done = tuple(range(s.committed))
    log = (*s.log, Said(number, -1, CLAIM))
    return put(s, number, worker._replace(at="free", known=known, claimed=at, last=at, done=done), log=log)


def put(s: State, number: int, worker: Worker, **more: Any) -> State:
    return s._replace(workers=(*s.workers[:number], worker, *s.workers[number + 1 :]), **more)


def added(executed: tuple[int, ...], record: int) -> tuple[int, ...]:
    return (*executed[:record], executed[record] + 1, *executed[record + 1 :])


def without(posts: tuple[tuple[int, int], ...], post: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    found = posts.index(post)
    return posts[:found] + posts[found + 1 :]
