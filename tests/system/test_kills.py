"""A worker killed at every step of a record's life, and the one that comes after it: judged by the API's ledger."""

import asyncio
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from judging import NOT_LOOKED_AT, STRUCTURED, Asked, Verdict, judged, requested

AT_ONCE = 15
QUICK = {
    "WORKER_KAFKA__SESSION_TIMEOUT": "6",
    "WORKER_API__REQUEST_TIMEOUT": "2",
    "WORKER_JOURNAL__INTENT_TTL": "1",
    "WORKER_DISPATCH__DRAIN_TIMEOUT": "4",
    "WORKER_RECONCILE__SETTLE_DELAY": "0.3",
    "WORKER_RECONCILE__ATTEMPTS": "2",
    "WORKER_OPS__PORT": "0",
}
LOOK_UP = {"WORKER_RECONCILE__BY": "custom_attribute", "WORKER_RECONCILE__ATTRIBUTE": "externalid"}
REFUSED = {"kind": "status", "status": 503, "times": 1}
LOST = {"kind": "reply_lost", "times": 1}
EXECUTED = {"kind": "delay_after", "seconds": 60, "times": 1}
LATE = {"kind": "delay_before", "seconds": 1, "times": 1}
INVALID = {"pin": "x" * 256}


@dataclass(frozen=True)
class Case:
    """Where the first of three records of one key is when its worker is killed, and how that record must end."""

    step: str
    side: str
    ends: frozenset[str]
    executions: int
    fault: dict | None = None
    look_up: bool = False
    elements: dict | None = None

    def __str__(self):
        return f"{'looked-up' if self.look_up else 'plain'}-{self.step}-{self.side}"


def plain(step, side, ends, executions, fault=None, elements=None):
    return Case(step, side, frozenset(ends.split()), executions, fault, elements=elements)


def looked_up(step, side, ends, fault=None):
    return Case(step, side, frozenset(ends.split()), 1, fault, look_up=True)


CASES = [
    plain("claim", "before", "created", 1),
    plain("claim", "during", "created", 1),
    plain("claim", "after", "created", 1),
    plain("intent", "before", "created", 1),
    plain("intent", "after", "outcome_unknown", 0),
    plain("post", "before", "outcome_unknown", 0),
    plain("post", "executed", "outcome_unknown", 1, EXECUTED),
    plain("post", "late", "outcome_unknown", 1, LATE),
    plain("post", "after", "outcome_unknown", 1),
    plain("released", "before", "outcome_unknown", 0, REFUSED),
    plain("released", "after", "created", 1, REFUSED),
    plain("finished", "before", "outcome_unknown", 1),
    plain("finished", "during", "created outcome_unknown", 1),
    plain("finished", "after", "created", 1),
    plain("dead_letter", "before", "invalid_customer", 0, elements=INVALID),
    plain("dead_letter", "after", "invalid_customer", 0, elements=INVALID),
    plain("result", "before", "created", 1),
    plain("result", "during", "created", 1),
    plain("result", "after", "created", 1),
    plain("commit", "before", "created", 1),
    plain("commit", "after", "created", 1),
    looked_up("intent", "during", "created"),
    looked_up("intent", "after", "created"),
    looked_up("post", "executed", "reconciled", EXECUTED),
    looked_up("post", "late", "reconciled", LATE),
    looked_up("post", "after", "reconciled"),
    looked_up("search", "before", "reconciled", LOST),
    looked_up("search", "after", "reconciled", LOST),
    looked_up("finished", "before", "reconciled"),
]


@dataclass(frozen=True)
class Ending:
    """What was left when everything was over."""

    verdict: Verdict
    committed: dict[int, int | None]
    executions: int


async def kill(world, case, sandbox, settings):
    """Return when the first worker is dead."""
    if case.side in {"executed", "late"}:
        worker = await world.start(**settings)
        async with asyncio.timeout(30):
            while not sandbox.faults.active[0].hits:
                await asyncio.sleep(0.01)
        assert await worker.stop(signal.SIGKILL) == -signal.SIGKILL
    else:
        worker = await world.launch(case.step, case.side, signal.SIGKILL, **settings)
        assert await worker.ended() == -signal.SIGKILL, worker.text


async def killed_and_taken_over(worlds, case):
    async with worlds() as world:
        await world.topics()
        sandbox = await world.sandbox(*([case.fault] if case.fault else []), identity_attribute=NOT_LOOKED_AT)
        settings = QUICK | (LOOK_UP if case.look_up else {})
        values = [requested("victim", **(case.elements or {})), requested("second"), requested("third")]
        await world.publish(*values, key=b"k", headers=STRUCTURED)
        asked = [Asked(0, offset, name) for offset, name in enumerate(["victim", "second", "third", "last"])]
        await kill(world, case, sandbox, settings)
        worker = await world.start(**settings)
        # Of the key of the others, so that it is finished last; what was committed comes no second time.
        await world.publish(requested("last"), key=b"k", headers=STRUCTURED)
        await worker.until("record.finished", offset=3)
        assert await worker.stop() == 0
        told = await world.events(world.plan.succeeded) + await world.events(world.plan.failed)
        executions = len([each for each in sandbox.ledger.entries() if each.customer_id]) - 3
        return Ending(judged(asked, sandbox.ledger, told), await world.committed(), executions)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def endings(request, worlds) -> AsyncIterator[dict[str, asyncio.Task[Ending]]]:
    """Of the cases that were asked for, several at a time: most of each is waiting for a dead member's session."""
    some = asyncio.Semaphore(AT_ONCE)

    async def run(case):
        async with some, asyncio.timeout(80):
            return await killed_and_taken_over(worlds, case)

    chosen = [item.callspec.params["case"] for item in request.session.items if item.path == request.path]
    tasks = {str(case): asyncio.create_task(run(case), name=str(case)) for case in chosen}
    yield tasks
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_worker_killed_at(endings, case):
    """Its successor ends every record once, makes nothing twice, and says unknown only where nobody can know."""
    ended = await endings[str(case)]
    assert ended.verdict.problems == ()
    assert ended.verdict.endings[0, 0] in case.ends
    assert [ended.verdict.endings[0, offset] for offset in (1, 2, 3)] == ["created"] * 3
    assert ended.executions == case.executions
    assert ended.committed[0] == 4
