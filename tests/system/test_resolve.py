"""A person who knows the customer of an event in doubt says so by `dead-letters resolve` while a worker runs."""

import orjson
import pytest
from judging import NOT_LOOKED_AT, STRUCTURED, requested

LOST = {"kind": "reply_lost", "times": 1}


async def typed(world, *arguments):
    """Run a command: (exit code, lines that are JSON, all other lines)."""
    process = await world.start(*arguments)
    return await process.ended(), process.lines, process.text


async def parked(world, value, *faults, headers=STRUCTURED, **settings):
    """One event whose answer was lost: (the sandbox, the worker, the place of its dead letter)."""
    await world.topics()
    world.hurry()
    sandbox = await world.sandbox(LOST, *faults, identity_attribute=NOT_LOOKED_AT)
    await world.publish(value, key=b"k", headers=headers, partition=1)
    worker = await world.start(**settings)
    await worker.until("record.finished", reason="outcome_unknown")
    code, (letter,), _ = await typed(world, "dead-letters", "list", "--json")
    assert code == 0
    assert "resolvedAs" not in letter
    return sandbox, worker, f"{letter['partition']}@{letter['offset']}"


async def test_a_doubt_that_a_person_ends(world):
    """Nothing is sent for it; every later repeat of the event finds the customer, even one that accepts duplicates."""
    sandbox, worker, place = await parked(world, requested("e1"))
    (made,) = [str(each.customer_id) for each in sandbox.ledger.entries()]
    word = ("dead-letters", "resolve", place, "--customer-id", made, "--json")
    code, (dry,), _ = await typed(world, *word)
    assert (code, dry["dryRun"], dry["customerType"], dry["resolvedAs"]) == (0, True, "individual", None)
    code, (said, end), _ = await typed(world, *word, "--yes", "--follow")
    assert (code, said["resolvedAs"], said["request"]) == (0, "1@1", "1@0")
    assert (end["ended"]["resolution"], end["ended"]["customerId"], end["ended"]["attempts"]) == ("confirmed", made, 0)
    code, lines, _ = await typed(world, "dead-letters", "replay", place, "--accept-duplicates", "--yes", "--json")
    assert (code, lines[-1]["replayed"], list(lines[-1]["left"])) == (
        0,
        {},
        ["resolved already: a person told which customer it has"],
    )
    accepted = (("worker-replay-of", b"1@0"), ("worker-accept-duplicates", b"true"))
    await world.publish(requested("e1"), key=b"k", headers=STRUCTURED, partition=1)
    await world.publish(requested("e1"), key=b"k", headers=(*STRUCTURED, *accepted), partition=1)
    told = await worker.until("record.finished", 3, customer_id=made)
    assert [line["outcome"] for line in told] == ["succeeded"] * 3
    assert sandbox.ledger.created == 1
    assert await worker.stop() == 0
    code, (document,), _ = await typed(world, "verify", "--json")
    assert (code, document["succeeded"], document["failed"]) == (0, 3, 1)


async def test_what_is_told_of_it(world):
    """The list, the letter and the journal all tell that the doubt is over."""
    sandbox, worker, place = await parked(world, requested("e1"))
    (made,) = [str(each.customer_id) for each in sandbox.ledger.entries()]
    code, _, _ = await typed(world, "dead-letters", "resolve", place, "--customer-id", made, "--yes", "--follow")
    assert code == 0
    _, (listed,), _ = await typed(world, "dead-letters", "list", "--json")
    _, (shown,), _ = await typed(world, "dead-letters", "show", place, "--json")
    assert (listed["resolvedAs"], shown["resolvedAs"], shown["journal"]["customer"]) == ("1@1", "1@1", "confirmed")
    _, _, unknown = await typed(world, "journal", "unknown")
    assert unknown == ["0 open doubts"]
    assert await worker.stop() == 0


async def test_another_customer_is_known(world):
    """Another customer id is refused by the command, and by the worker where such a confirmation comes anyway."""
    sandbox, worker, place = await parked(world, requested("e1"))
    (made,) = [str(each.customer_id) for each in sandbox.ledger.entries()]
    await typed(world, "dead-letters", "resolve", place, "--customer-id", made, "--yes", "--follow")
    code, _, text = await typed(world, "dead-letters", "resolve", place, "--customer-id", "77", "--yes")
    assert code == 1
    assert made in text[0]
    wrong = {
        **orjson.loads(requested("e1")),
        "type": "customer.create.confirmed.v1",
        "data": {"customerId": "77", "customerType": "individual"},
    }
    await world.publish(orjson.dumps(wrong), key=b"k", headers=STRUCTURED, partition=1)
    await worker.until("record.finished", reason="refused")
    assert sandbox.ledger.created == 1
    assert await worker.stop() == 0
    code, _, text = await typed(world, "verify")
    assert code == 0, text


@pytest.mark.parametrize("payload", ["full", "metadata_only"])
async def test_a_bare_customer(world, payload):
    """A bare customer, whose event id is its place: the confirmation names that place."""
    customer = b'{"type": "individual", "contactPersons": [{"firstName": "Jack"}]}'
    sandbox, worker, place = await parked(world, customer, headers=(), WORKER_DEAD_LETTERS__PAYLOAD=payload)
    (made,) = [str(each.customer_id) for each in sandbox.ledger.entries()]
    code, _, (said, end) = await typed(
        world, "dead-letters", "resolve", place, "--customer-id", made, "--yes", "--follow"
    )
    assert code == 0
    assert "the event of 1@0" in said
    assert end.endswith(f"succeeded, customer {made} (confirmed)")
    assert await worker.stop() == 0
