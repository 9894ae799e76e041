"""The page `/`: why records do or do not move, the fleet, and each partition with its first unfinished record."""

from collections.abc import Iterator

import htpy as h

from worker.console.now import standstill
from worker.console.now.replicas import Blocking, Replica, Silent
from worker.console.now.watching import Now
from worker.console.web import parts
from worker.console.web.answers import Answer, Page
from worker.console.web.asked import Asked
from worker.console.web.parts import NOT_TOLD, Kind, age, number, text
from worker.console.web.rights import Right
from worker.console.web.routes import Route
from worker.counting import counted

STATES: dict[str | None, Kind] = {"running": "good", "holding": "bad", "draining": "wait", "restoring": "wait"}


async def front(asked: Asked) -> Answer:
    """Answer with the page; what cannot be reached is said on it."""
    now = await asked.sources.watching.now()
    runbook = asked.sources.settings.console.runbook
    body = h.fragment[_why(now, runbook), _summary(now), _holds(now, runbook), _replicas(now), _partitions(now)]
    return Page("Now", body, is_fresh=True)


def _why(now: Now, runbook: str | None) -> h.Node:
    found = standstill.why(now)
    return [
        h.p(".why")[number("why", found.sentence, found.kind)],
        h.p[_section(runbook, found.hold, "What to do about it")] if found.hold and runbook else None,
    ]


def _section(runbook: str | None, hold: str, name: str) -> h.Node:
    return h.a(href=f"{runbook}#{hold}", rel="noreferrer")[name] if runbook and hold in standstill.HOLDS else name


def _summary(now: Now) -> h.Node:
    lag, bound = now.total_lag
    waits = None if lag is None else f"{text(lag)}{' or fewer' if bound else ''}"
    return parts.facts(
        [
            ("Group", [now.group, ": ", number("members", _members(now))]),
            ("Records waiting", number("lag", waits)),
            ("In flight", number("in flight", _sum(each.in_flight for each in now.replicas))),
            ("Kafka", number("kafka", *_kafka(now))),
            ("As of", number("at", parts.clock(now.at))),
        ]
    )


def _members(now: Now) -> str:
    members = "members " + NOT_TOLD if now.members is None else counted(now.members, "member")
    answers = len(now.replicas)
    return f"{members}, {counted(answers, 'answers', 'answer')}"


def _kafka(now: Now) -> tuple[str, Kind]:
    return (now.overview, "bad") if isinstance(now.overview, str) else ("answers", "good")


def _sum(each: "Iterator[int | None]") -> int | None:
    """The sum; None where one of them is not known."""
    told = list(each)
    known = [count for count in told if count is not None]
    return sum(known) if told and len(known) == len(told) else None


def _holds(now: Now, runbook: str | None) -> h.Node:
    rows = [
        (
            _section(runbook, hold.reason, hold.reason),
            "all" if hold.partition is None else str(hold.partition),
            replica.address,
            number(f"since {replica.address} {hold.reason} {hold.partition}", _since(now, hold.since)),
            number(f"detail {replica.address} {hold.reason} {hold.partition}", hold.detail or None),
        )
        for replica in now.replicas
        for hold in replica.holds
    ]
    columns = ("hold", "partition", "worker", "for", "detail")
    return [h.h2["Holds"], parts.table("Holds, by worker", columns, rows, none="Nothing is held.")]


def _since(now: Now, since: float | None) -> str | None:
    return None if since is None else age(now.at - since)


def _replicas(now: Now) -> h.Node:
    rows = [_replica(now, each) for each in sorted(now.fleet.replicas, key=lambda each: each.address)]
    rows += [_silent(each) for each in sorted(now.fleet.silent, key=lambda each: each.address)]
    columns = ("worker", "state", "instance", "version", "up for", "in flight", "queued", "bound by", "partitions")
    table = parts.table("Workers, by address", columns, rows, none="No address of a worker is known.")
    left = f"{now.fleet.left_out} more addresses were not asked." if now.fleet.left_out else None
    return [h.h2["Workers"], table, parts.notice("wait", left) if left else None]


def _replica(now: Now, each: Replica) -> tuple[h.Node, ...]:
    at = each.address
    others = f" (group {each.group})" if each.group not in {None, now.group} else ""
    owned = ", ".join(str(one.partition) for one in each.partitions)
    return (
        at,
        number(f"state {at}", f"{text(each.state)}{others}", "bad" if others else STATES.get(each.state, "plain")),
        number(f"instance {at}", each.instance),
        number(f"version {at}", each.version),
        number(f"up {at}", _since(now, each.started)),
        number(f"in flight {at}", each.in_flight),
        number(f"queued {at}", each.queued),
        number(f"bound {at}", each.bound_by),
        number(f"partitions {at}", owned or "none"),
    )


def _silent(each: Silent) -> tuple[h.Node, ...]:
    return (each.address, number(f"state {each.address}", each.why, "bad"), *("",) * 7)


def _partitions(now: Now) -> h.Node:
    rows = [_partition(now, each) for each in now.partitions]
    columns = ("partition", "worker", "committed", "end", "waiting", "stands first", "unmoved for")
    table = parts.table("Partitions of the requests", columns, rows, none="Nobody says which partitions there are.")
    return [h.h2["Partitions"], table]


def _partition(now: Now, each: int) -> tuple[h.Node, ...]:
    replica, owned = now.owned.get(each, (None, None))
    waiting = now.waiting.get(each)
    committed = waiting.committed if waiting else owned.committed if owned else None
    lag, bound = now.lag(each)
    stands = now.stands.get(each, 0.0)
    return (
        str(each),
        number(f"owner {each}", *_owner(now, each, replica)),
        number(f"committed {each}", "nothing" if waiting and committed is None else committed),
        number(f"end {each}", waiting.end if waiting else None),
        number(f"lag {each}", f"{text(lag)}{' or fewer' if bound else ''}"),
        number(f"first {each}", *_first(owned.blocking if owned else None)),
        number(f"stands {each}", age(stands) if stands >= standstill.STANDS else "", "wait"),
    )


def _owner(now: Now, partition: int, replica: Replica | None) -> tuple[str, Kind]:
    """The replica that says that it has the partition, else the member that Kafka names."""
    if replica:
        return replica.address, "plain"
    if isinstance(now.overview, str):
        return NOT_TOLD, "plain"
    named = [each.host for each in now.overview.members if partition in each.partitions]
    return (f"{named[0]}, which does not answer", "bad") if named else ("nobody", "bad")


def _first(blocking: Blocking | None) -> tuple[str, Kind]:
    if blocking is None:
        return "", "plain"
    old = f", {age(blocking.age)} old" if blocking.age is not None else ""
    return f"{blocking.offset}{old}: {standstill.at_step(blocking)}", "plain"


ROUTES = (Route("GET", "/", Right.VIEW, front),)
