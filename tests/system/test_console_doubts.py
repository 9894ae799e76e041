"""Records whose outcome is unknown are settled in the console while a worker runs: by a look-up or by a person."""

import asyncio

from console_visitor import Shown, Visitor
from console_visitor import consoled as visited
from judging import NOT_LOOKED_AT, STRUCTURED, identity, requested
from patience import PATIENCE

from worker.sandbox.api import DEFAULT_PASSWORD, DEFAULT_USER
from worker.settings import sources as configuration

LOOKING = {"WORKER_RECONCILE__BY": "custom_attribute", "WORKER_RECONCILE__ATTRIBUTE": "externalid"}


def consoled(world, **settings):
    return visited(configuration.load(environment={**world.environment, **settings}))


async def until(visitor: Visitor, address: str, text: str) -> Shown:
    """Open the page until it has that text, and return it."""
    async with asyncio.timeout(PATIENCE):
        while text not in (shown := await visitor.open(address)).plain:
            await asyncio.sleep(0.05)
    return shown


async def parked(world, *faults, **settings):
    """One event whose answer was lost: (the sandbox, the worker, the address of its dead letter)."""
    await world.topics()
    world.hurry(**settings)
    sandbox = await world.sandbox(*faults, identity_attribute=NOT_LOOKED_AT if not settings else "externalid")
    await world.publish(requested("e1"), key=b"k", headers=STRUCTURED)
    worker = await world.start()
    (told,) = await worker.until("record.finished", reason="outcome_unknown")
    (letter,) = await world.read(world.plan.dead_letters)
    assert told["event_id"] == "e1"
    return sandbox, worker, f"/letters/{letter.partition}@{letter.offset}"


LOST = {"kind": "reply_lost", "times": 1}
UNSEARCHED = {"kind": "status", "call": "search", "status": 403}


async def test_a_doubt_that_the_look_up_finds(world):
    """The look-up finds the customer: no replay is offered, the event is resolved as confirmed, and `verify` holds."""
    sandbox, worker, address = await parked(world, LOST, UNSEARCHED, **LOOKING)
    sandbox.faults.clear()
    before = len(sandbox.sessions)
    async with consoled(world) as visitor:
        letter = await until(visitor, address, "The journal")
        run = await visitor.send(letter.form("Look it up"))
        found = await until(visitor, run.address, "Its customer exists")
        (made,) = [str(each.customer_id) for each in sandbox.ledger.entries()]
        assert f"Its customer exists: {made}" in found.plain
        assert not any("/replay" in form.action or "/accept" in form.action for form in found.forms())
        assert len(sandbox.sessions) == before
        resolved = await visitor.send(found.form("Resolve it"))
        done = await until(visitor, resolved.address, "succeeded: confirmed")
        assert f"customer {made}" in done.plain
        assert "Nothing is to be done" in (await until(visitor, address, "Nothing is to be done")).plain
    assert sandbox.ledger.created == 1
    assert await worker.stop() == 0
    verify = await world.start("verify")
    assert await verify.ended() == 0


async def test_a_doubt_that_the_look_up_does_not_find(world):
    """The look-up finds none: pressing "Replay it" twice makes one run, which creates the customer once."""
    sandbox, worker, address = await parked(world, {"kind": "status", "status": 504, "times": 1}, UNSEARCHED, **LOOKING)
    sandbox.faults.clear()
    async with consoled(world) as visitor:
        letter = await visitor.open(address)
        run = await visitor.send(letter.form("Look it up"))
        found = await until(visitor, run.address, "The CRM has no such customer")
        replayed = await visitor.send(found.form("Replay it"))
        again = await visitor.send(found.form("Replay it"))
        assert again.address == replayed.address
        await until(visitor, replayed.address, "succeeded: created")
    assert (sandbox.ledger.created, sandbox.ledger.duplicates) == (1, {})
    assert await worker.stop() == 0


async def test_all_sessions_taken(world):
    """With five sessions taken the console's login is refused and the page says so; the worker's session lives on."""
    sandbox, worker, address = await parked(world, LOST, UNSEARCHED, **LOOKING)
    sandbox.faults.clear()
    while len(sandbox.sessions) < 5:
        sandbox.sessions.log_in(DEFAULT_USER, DEFAULT_PASSWORD, force=False)
    async with consoled(world) as visitor:
        run = await visitor.send((await visitor.open(address)).form("Look it up"))
        told = await until(visitor, run.address, "failed")
        assert "five sessions already" in told.plain
    assert (len(sandbox.sessions), sandbox.sessions.evicted) == (5, 0)
    await world.publish(requested("e2"), key=b"k", headers=STRUCTURED)
    await worker.until("record.finished", outcome="succeeded")
    assert await worker.stop() == 0


async def test_a_duplicate_that_is_accepted(world):
    """Without a look-up a person accepts a duplicate: three presses send that record once."""
    sandbox, worker, address = await parked(world, LOST)
    async with consoled(world) as visitor:
        letter = await visitor.open(address)
        assert "no look-up is configured" in letter.plain
        form = letter.form("Send it all the same")
        sent = await asyncio.gather(*(visitor.send(form, event="e1") for _ in range(3)))
        (run,) = {each.address for each in sent}
        await until(visitor, run, "succeeded: created")
    assert (sandbox.ledger.created, sandbox.ledger.duplicates) == (2, {identity("e1"): 2})
    assert await worker.stop() == 0


async def test_a_replay_s_ends(world):
    """A replay of two letters ends as "done", with the outcome of both."""
    await world.topics()
    world.hurry()
    sandbox = await world.sandbox({"kind": "status", "status": 400, "times": 3})
    await world.publish(*(requested(f"e{number}") for number in range(3)), key=b"k", headers=STRUCTURED)
    worker = await world.start()
    await worker.until("record.finished", 3, reason="rejected")
    sandbox.faults.clear()
    async with consoled(world) as visitor:
        letters = await until(visitor, "/letters", "3 of 3 dead letters")
        plan = await visitor.send(letters.form("Plan a replay"), limit="2")
        planned = await until(visitor, plan.address, "2 would be replayed")
        run = await visitor.send(planned.form("Replay 2"))
        ended = await until(visitor, run.address, "done")
        assert "succeeded: created 2" in ended.plain
    assert sandbox.ledger.created == 2
    assert await worker.stop() == 0
