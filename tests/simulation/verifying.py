"""Our own `verify` over the topics of a story that is over: it tells what the model knows, no more and no less."""

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from finding import Finding

from worker.model.errors import WorkerError
from worker.tools.verification.scan import Asked
from worker.tools.verification.verify import verified

from .facts import Facts
from .story import Act

if TYPE_CHECKING:
    from .play import Stage


DELETED = {Act.RESULTS_ANEW, Act.JOURNAL_ANEW}


async def disagreements(stage: "Stage", facts: Facts) -> list[Finding]:
    """Where it does not. What only `verify` looks for, as letters without events, is nowhere there.

    Of topics that were deleted it can say nothing, and the model knows what they held.
    """
    if facts.acts & DELETED:
        return []
    try:
        report = await verified(stage.settings, Asked())
    except WorkerError as error:
        return [Finding("verify", f"it cannot tell: {error}")]
    told = {each.kind: each.count for each in (*report.findings, *report.not_judged)}
    there = {**dict(_by_record(stage, facts)), **dict(_by_event(facts)), "deleted_unread": len(facts.expired)}
    return [
        Finding("verify", f"it tells {told.get(kind, 0)} of {kind}, and there are {there.get(kind, 0)}")
        for kind in sorted({*told, *there})
        if told.get(kind, 0) != there.get(kind, 0)
    ]


def _by_record(stage: "Stage", facts: Facts) -> Iterator[tuple[str, int]]:
    """Of those that are committed and not deleted."""
    logs = stage.world.cluster.topics[stage.settings.topics.requests].logs
    places = [(number, offset) for number, offset in facts.asked if offset >= logs[number].start]
    ends = [{each["type"] for each in facts.told.get(at, ())} for at in places if at[1] < facts.committed[at[0]]]
    yield "no_terminal_event", sum(not each for each in ends)
    yield "two_terminal_events", sum(len(each) > 1 for each in ends)


def _by_event(facts: Facts) -> Iterator[tuple[str, int]]:
    """Those with several customers, unless all but one are a person's word."""
    customers: dict[tuple[str, str], set[str]] = defaultdict(set)
    confirmed: dict[tuple[str, str], set[str]] = defaultdict(set)
    for data in (each["data"] for told in facts.told.values() for each in told if "customerId" in each["data"]):
        event = data["request"]["source"], data["request"]["id"]
        customers[event].add(data["customerId"])
        if data["resolution"] == "confirmed":
            confirmed[event].add(data["customerId"])
    several = {event: made for event, made in customers.items() if len(made) > 1}
    mistaken = sum(len(made - confirmed[event]) < 2 for event, made in several.items())
    yield "two_customers_for_one_event", len(several) - mistaken
    yield "confirmed_another_customer", mistaken
