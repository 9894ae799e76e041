"""A worker is frozen for longer than its session, another one takes over, and the first goes on again."""

import signal
from dataclasses import dataclass, field
from typing import Any

import pytest
from judging import NOT_LOOKED_AT, STRUCTURED, Asked, identity, judged, requested


@dataclass(frozen=True)
class Case:
    """The step at which the worker freezes, and how the first record may end, each with its number of POSTs."""

    step: str
    side: str
    ends: dict[str, int]
    look_up: bool = False
    fault: dict[str, Any] | None = None
    settings: dict[str, str] = field(default_factory=dict)

    def __str__(self):
        return "-".join([*self.settings, "looked-up" if self.look_up else "plain", self.step, self.side])


# After these steps the next record of the key may already be sent.
NEXT_IS_UNDER_WAY = {"finished", "result", "commit"}
LATE = {"kind": "delay_before", "seconds": 1, "times": 1}
CASES = [
    # The intent is acknowledged; when the worker goes on its lease is over.
    Case("intent", "after", {"outcome_unknown": 0}),
    Case("intent", "after", {"created": 1}, look_up=True),
    # The acknowledgement is read only after the freeze, and shows no gap.
    Case("intent", "during", {"created": 1}, look_up=True),
    # The lease is not over: the POST leaves, while the second worker has sent none.
    Case("intent", "after", {"outcome_unknown": 1}, settings={"WORKER_JOURNAL__INTENT_TTL": "60"}),
    # Between the last check and the write, which no check can cover: parked, and nothing is sent twice.
    Case("looked", "before", {"outcome_unknown": 1}),
    # The API executes the call while the worker is frozen.
    Case("left", "before", {"outcome_unknown": 1}, fault=LATE),
    Case("left", "before", {"reconciled": 1}, look_up=True, fault=LATE),
    Case("post", "after", {"reconciled": 1}, look_up=True),
    Case("finished", "during", {"created": 1, "outcome_unknown": 1}),
    Case("finished", "after", {"created": 1}),
    Case("result", "before", {"created": 1}),
    Case("commit", "before", {"created": 1}),
]


async def freeze(world, case, sandbox):
    """Start a worker, and return it once it is frozen at that step."""
    if case.step != "left":
        worker = await world.launch(case.step, case.side, signal.SIGSTOP)
    else:
        worker = await world.start()
        await worker.once(lambda: bool(sandbox.faults.active[0].hits))
        worker.send(signal.SIGSTOP)
    await worker.frozen()
    return worker


async def play(world, case):
    """In the end the first worker alone handles one more record."""
    await world.topics()
    world.hurry(look_up=case.look_up, **case.settings)
    sandbox = await world.sandbox(*([case.fault] if case.fault else []), identity_attribute=NOT_LOOKED_AT)
    names = ["victim", "second", "third", "fourth"]
    await world.publish(*map(requested, names[:2]), key=b"k", headers=STRUCTURED)
    first = await freeze(world, case, sandbox)
    successor = await world.start()
    await world.publish(requested(names[2]), key=b"k", headers=STRUCTURED)
    await successor.until("record.finished", offset=2)
    first.send(signal.SIGCONT)
    await first.until("partitions.assigned", 2)
    assert await successor.stop() == 0
    await world.publish(requested(names[3]), key=b"k", headers=STRUCTURED)
    await first.until("record.finished", offset=3)
    assert await first.stop() == 0
    told = await world.events(world.plan.succeeded) + await world.events(world.plan.failed)
    asked = [Asked(0, offset, name) for offset, name in enumerate(names)]
    return judged(asked, sandbox.ledger, told), await world.committed(), sandbox.ledger.executions(identity("victim"))


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_worker_frozen_at(played, case):
    """The second worker ends every record once; the first repeats none of them, and works again in its group."""
    verdict, committed, executions = await played[str(case)]
    assert verdict.problems == ()
    others = {verdict.endings[0, offset] for offset in (1, 2, 3)}
    assert others - ({"outcome_unknown"} if case.step in NEXT_IS_UNDER_WAY else set()) == {"created"}
    assert case.ends[verdict.endings[0, 0]] == executions
    assert committed[0] == 4
