"""A look-up by e-mail where another customer has the same address: that one is never taken for ours."""

import signal

import pytest
from judging import NOT_LOOKED_AT, STRUCTURED, Asked, identity, judged, requested

BY_EMAIL = {"WORKER_RECONCILE__BY": "email"}
SHARED, OTHER = "office@example.com", "desk@example.com"
OTHERS = {"somebody": SHARED, "somebody-else": OTHER}
LOST, NEVER = {"kind": "reply_lost"}, {"kind": "hang"}


def asked_for(name, address):
    """An event for a customer with that address."""
    point = {"type": {"value": "email", "email": {"emailAddress": address}}}
    person = {"firstName": name, "contactPoints": {"contactPoint": [point]}}
    return requested(name, contactPersons={"contactPerson": [person]})


@pytest.fixture
async def opened(world):
    """A world with a look-up by e-mail, in which two other customers are created first."""
    await world.topics()
    world.hurry(**BY_EMAIL)
    for name, address in OTHERS.items():
        await world.publish(asked_for(name, address), key=b"others", headers=STRUCTURED)
    return world


async def verdict_of(world, sandbox, *names):
    """The verdict on the other customers' records and these."""
    told = await world.events(world.plan.succeeded) + await world.events(world.plan.failed)
    return judged([Asked(0, offset, name) for offset, name in enumerate([*OTHERS, *names])], sandbox.ledger, told)


async def test_a_lost_reply(opened):
    """A record in doubt is parked where somebody had its address before; else a customer that is found is ours."""
    doubts = {
        "made": (OTHER, LOST, "outcome_unknown"),
        "not-made": (SHARED, NEVER, "outcome_unknown"),
        "alone": ("alone@example.com", LOST, "reconciled"),
        "alone-not-made": ("nobody@example.com", NEVER, "created"),
    }
    faults = [{**fault, "times": 1, "match": {"identity": identity(name)}} for name, (_, fault, _) in doubts.items()]
    sandbox = await opened.sandbox(*faults, identity_attribute=NOT_LOOKED_AT, unique_emails=False)
    worker = await opened.start()
    await worker.until("record.finished", len(OTHERS))
    for name, (address, _, _) in doubts.items():
        await opened.publish(asked_for(name, address), key=name.encode(), headers=STRUCTURED)
    await worker.until("record.finished", len(OTHERS) + len(doubts))
    assert await worker.stop() == 0
    verdict = await verdict_of(opened, sandbox, *doubts)
    assert verdict.problems == ()
    ends = [verdict.endings[0, len(OTHERS) + number] for number in range(len(doubts))]
    assert ends == [end for _, _, end in doubts.values()]
    assert [sandbox.ledger.executions(identity(name)) for name in doubts] == [1, 0, 1, 1]


@pytest.mark.parametrize("side", ["before", "after"])
async def test_a_kill(opened, side):
    """Killed at the POST: the next worker knows from the journal's intent who had the address before."""
    sandbox = await opened.sandbox(identity_attribute=NOT_LOOKED_AT, unique_emails=False)
    await opened.publish(asked_for("victim", SHARED), key=b"others", headers=STRUCTURED)
    first = await opened.launch("post", side, signal.SIGKILL, nth=len(OTHERS) + 1)
    assert await first.ended() == -signal.SIGKILL
    worker = await opened.start()
    await worker.until("record.finished", offset=len(OTHERS))
    assert await worker.stop() == 0
    verdict = await verdict_of(opened, sandbox, "victim")
    assert verdict.problems == ()
    assert verdict.endings == {(0, 0): "created", (0, 1): "created", (0, 2): "outcome_unknown"}
    assert sandbox.ledger.executions(identity("victim")) == (side == "after")
