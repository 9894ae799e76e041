"""Says in one sentence why records do not move: the first cause that applies (docs: console, why it stands still)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from worker.console.now.replicas import Blocking, Hold
from worker.console.now.watching import Now
from worker.console.web.parts import Kind, age
from worker.counting import NARROW, counted, which
from worker.creation.holds import HoldReason
from worker.kafka.overview import Waiting

STANDS = 20.0
"""Seconds after which a record that has not moved is named; most are finished within one second."""

HOLDS: Final[dict[str, str]] = {
    HoldReason.API_UNAVAILABLE: "the API cannot be reached, or fails",
    HoldReason.SESSION_REFUSED: "the API refuses the login",
    HoldReason.SESSION_CONTENTION: "others end the worker's sessions",
    HoldReason.REJECTION_FLOOD: "the API refuses nearly everything",
    HoldReason.KAFKA_UNAVAILABLE: "the worker cannot use Kafka",
    HoldReason.SCHEMA_REGISTRY_UNAVAILABLE: "the schema registry cannot be reached",
    HoldReason.JOURNAL_RESTORING: "the journal is being read",
    HoldReason.PARTITION_UNREADABLE: "what comes next in the partition cannot be read",
    HoldReason.JOURNAL_SHARED: "another deployment uses the same journal",
    HoldReason.OFFSETS_LOST: "the group's offset is lost",
    HoldReason.STOPPING: "the worker is stopping",
}
STEPS: Final[dict[str, str]] = {
    "queued": "waits for an earlier one of its key, or for a free slot",
    "schema": "waits for its schema from the registry",
    "decode": "is being read",
    "same_event": "waits for another record of the same event",
    "admission": "waits for a hold, the login, the rate or a free call",
    "intent": "waits for the journal",
    "post": "waits for the API's answer",
    "retry": "waits before it is tried again",
    "look_up": "is being looked up in the CRM",
    "finish": "waits for the journal to take its outcome",
    "publish": "waits for its result to be published",
    "crashed": "met a defect of the worker, and is taken up again",
    "open_transaction": "is behind a transaction that its producer has not ended",
}
BINDS: Final[dict[str, str]] = {
    "api": "how fast the API answers",
    "api_limit": "how many calls at once the API bears (WORKER_DISPATCH__ADAPTIVE)",
    "keys": "records of one key, which wait for each other",
    "rate": "the rate that is set (WORKER_DISPATCH__MAX_RATE)",
    "cpu": "the worker's core, which is full",
    "uncommitted_limit": "a slow record that many wait behind (WORKER_DISPATCH__MAX_UNCOMMITTED)",
    "hold": "a hold",
    "restore": "the journal's restore",
}

NOT_ASKED: Final = " not asked (WORKER_CONSOLE__WORKERS)"


@dataclass(frozen=True, slots=True)
class Why:
    """The sentence; `hold` names the runbook's section about it."""

    sentence: str
    kind: Kind
    hold: str | None = None


def why(now: Now) -> Why:
    """The first cause that applies; the last rule always says something."""
    rules: tuple[Callable[[Now], Why | None], ...] = (
        _nobody_answers,
        _held,
        _nobodys,
        _unanswered,
        _restoring,
        _open_transaction,
        _blocked,
    )
    return next((found for rule in rules if (found := rule(now))), None) or _bound(now)


def _nobody_answers(now: Now) -> Why | None:
    if now.replicas:
        return None
    if now.fleet.replicas:
        told = ", ".join(sorted({each.group or "" for each in now.fleet.replicas}))
        return Why(f"No worker of group {now.group} answers: those that do are of {told}.", "bad")
    match now.members:
        case None:
            return Why("No worker answers, and what Kafka says is not known either.", "bad")
        case 0:
            return Why(f"No worker is there: group {now.group} has no member.", "bad")
        case members:
            silent = counted(members, "member, which does not answer", "members, none of whom answers")
            told = f"group {now.group} has {silent} (WORKER_CONSOLE__WORKERS)"
            return Why(f"No worker answers: {told}.", "bad")


def _held(now: Now) -> Why | None:
    """The hold to name: one of all partitions before one of a single partition; a stop only if nothing else holds."""
    holds = [(each, hold) for each in now.replicas for hold in each.holds if hold.reason != "journal_restoring"]
    if not holds:
        return None
    _, first = min(holds, key=lambda each: _order(each[1]))
    same = {replica.address for replica, hold in holds if hold.reason == first.reason}
    whom = _of(len(same), len(now.replicas))
    since = f" for {age(now.at - first.since)}" if first.since is not None else ""
    where = f"Partition {first.partition} is held" if first.partition is not None else f"{whom} held"
    detail = f": {first.detail}" if first.detail else ""
    words = HOLDS.get(first.reason, "for a reason that this console does not know")
    kind: Kind = "wait" if first.reason == "stopping" else "bad"
    return Why(f"{where}{since}: {words} ({first.reason}){detail}.", kind, first.reason)


def _order(hold: Hold) -> tuple[bool, bool, float]:
    return hold.reason == "stopping", hold.partition is not None, hold.since or 0.0


def _nobodys(now: Now) -> Why | None:
    if isinstance(now.overview, str):
        return None
    if now.overview.sharing:
        return Why("The group is sharing out its partitions among its members just now.", "wait")
    if not now.overview.nobodys:
        return None
    named = _numbers(now.overview.nobodys)
    return Why(f"Nobody has {named}: the group has {counted(len(now.overview.members), 'member')}.", "bad")


def _unanswered(now: Now) -> Why | None:
    """Partitions in which records wait, of members that do not answer or are not asked.

    It is not known whether they move, except of those that wait for an open transaction alone.
    """
    silent = {number: each for number, each in now.waiting.items() if number not in now.owned}
    waits = {number: each.at_most for number, each in silent.items() if each.at_most and not _is_blocked(each)}
    if not waits or (now.members or 0) <= len(now.replicas) or now.fleet.left_out:
        return None
    whose = which(len(waits), "is with a worker that does not answer", "are with workers that do not answer")
    if not now.fleet.silent:
        whose = which(len(waits), "is with a worker that is", "are with workers that are") + NOT_ASKED
    count = counted(sum(waits.values()), "record waits", "records wait", gap=NARROW)
    return Why(f"{_numbers(sorted(waits)).capitalize()} {whose}: {count} there, or fewer.", "bad")


def _restoring(now: Now) -> Why | None:
    numbers = sorted({number for number, _ in _restores(now)})
    if not numbers and not any(each.state == "restoring" for each in now.replicas):
        return None
    since = [begun for _, begun in _restores(now) if begun is not None]
    long = f" for {age(now.at - min(since))}" if since else ""
    what = f" of {_numbers(numbers)}" if numbers else ""
    return Why(f"The journal{what} is being read{long}.", "wait", "journal_restoring")


def _restores(now: Now) -> list[tuple[int, float | None]]:
    holds = [hold for each in now.replicas for hold in each.holds if hold.reason == "journal_restoring"]
    return [(hold.partition, hold.since) for hold in holds if hold.partition is not None]


def _open_transaction(now: Now) -> Why | None:
    """An open transaction that blocks a partition: by its worker, else by Kafka if nothing else stands before it."""
    found: list[tuple[float, int, int]] = []
    for number, (_, owned) in now.owned.items():
        if owned.blocking and owned.blocking.reason == "open_transaction":
            found.append((owned.blocking.age or 0.0, number, owned.blocking.offset))
    for number, waiting in now.waiting.items():
        opened = waiting.open_transaction
        if number not in now.owned and opened and _is_blocked(waiting):
            found.append((now.at - opened.since if opened.since else 0.0, number, opened.offset))
    if not found:
        return None
    long, number, offset = max(found)
    whose = "behind a transaction that its producer has not ended"
    return Why(f"Partition {number} waits at offset {offset} for {age(long)} {whose}.", "bad")


def _is_blocked(waiting: Waiting) -> bool:
    """Whether an open transaction is all that its partition waits for."""
    opened = waiting.open_transaction
    return opened is not None and opened.offset == waiting.committed


def _blocked(now: Now) -> Why | None:
    """The partition whose first record has stood still for longest."""
    standing = [(seconds, number) for number, seconds in now.stands.items() if seconds >= STANDS]
    for seconds, number in sorted(standing, reverse=True):
        _, owned = now.owned[number]
        if owned.blocking:
            others = "" if len(standing) == 1 else f" (and {counted(len(standing) - 1, 'other partition')})"
            told = f"has stood at offset {owned.blocking.offset} for {age(seconds)}{others}"
            return Why(f"Partition {number} {told}: its record {at_step(owned.blocking)}.", "wait")
    return None


def at_step(blocking: Blocking) -> str:
    """The record's step in words, for a person."""
    return f"{STEPS.get(blocking.reason, 'is at a step that this console does not know')} ({blocking.reason})"


def _bound(now: Now) -> Why:
    lag, bound = now.total_lag
    told = [each.bound_by for each in now.replicas if each.bound_by]
    binding = [each for each in told if each != "idle"]
    if lag == 0 and not binding:
        return Why("Nothing waits: every record has ended.", "good")
    waits = (
        "How many records wait is not told"
        if lag is None
        else counted(lag, "record waits", "records wait", gap=NARROW) + _or_fewer(bound)
    )
    if not told:
        return Why(f"{waits}; the workers do not say what binds them.", "wait")
    if not binding:
        return Why(f"{waits}; the workers have nothing in hand.", "wait")
    most = max(sorted(set(binding)), key=binding.count)
    whom = "" if len(now.replicas) == 1 else f" ({binding.count(most)} of {counted(len(now.replicas), 'worker')})"
    return Why(f"It moves. {waits}; what binds is {BINDS.get(most, most)}{whom}.", "good")


def _or_fewer(bound: bool) -> str:  # noqa: FBT001  what it is of is told by the name
    return ", or fewer" if bound else ""


def _of(some: int, whole: int) -> str:
    if whole == 1:
        return "The worker is"
    workers = counted(whole, "worker")
    return f"All {workers} are" if some == whole else f"{some} of {workers} {which(some, 'is', 'are')}"


def _numbers(numbers: "list[int] | tuple[int, ...]") -> str:
    named = ", ".join(map(str, numbers[:10])) + (", ..." if len(numbers) > 10 else "")
    return f"{which(len(numbers), 'partition')} {named}"
