"""Dead letters are replayed while a worker runs, after their causes were mended."""

import orjson
import pytest
from judging import NOT_LOOKED_AT, STRUCTURED, identity, requested

FIXED = {"rejected": 400, "forbidden": 403, "refused": 409, "retries_exhausted": 503}
LARGE = "x" * 600


async def typed(world, *arguments, **settings):
    """Run `customer-worker dead-letters ...`: (exit code, lines that are JSON, all other lines)."""
    process = await world.start("dead-letters", *arguments, **settings)
    return await process.ended(), process.lines, process.text


def fault(name, **what):
    return {"times": 1, "match": {"identity": identity(name)}, **what}


def ends(lines):
    """How each replayed letter ended, by the letter's place."""
    return {line["deadLetter"]: line["ended"] for line in lines if "ended" in line}


@pytest.fixture
async def failed(world, tmp_path):
    """A world with one failed event for each reason; the causes are mended, and no worker runs."""
    await world.topics()
    faults = [fault(name, kind="status", status=status) for name, status in FIXED.items()]
    faults.append(fault("outcome_unknown", kind="reply_lost"))
    world.box = await world.sandbox(*faults, identity_attribute=NOT_LOOKED_AT, configured=None)
    catalog = tmp_path / "catalog.toml"
    catalog.write_text('levels = ["Premium"]\n')
    world.environment |= {"WORKER_CUSTOMER__CATALOG": str(catalog), "WORKER_RETRY__MAX_ATTEMPTS": "1"}
    events = {name: requested(name) for name in (*FIXED, "outcome_unknown")}
    events["invalid_customer"] = requested("invalid_customer", level={"value": "Platinum"})
    events["undecodable"] = requested("undecodable", entitlements=LARGE)
    events["unsupported_event"] = requested("unsupported_event").replace(b"requested.v1", b"requested.v9")
    for name, value in events.items():
        await world.publish(value, key=name.encode(), headers=(*STRUCTURED, ("x", b"\xfe"), ("x", None)))
    worker = await world.start(WORKER_EVENTS__MAX_BYTES="600")
    told = await worker.until("record.finished", len(events))
    assert sorted(line["reason"] for line in told) == sorted(events)
    assert await worker.stop() == 0
    catalog.write_text('levels = ["Premium", "Platinum"]\n')
    return world


async def look_at_one(failed):
    """`show` tells the journal's view and that it would be valid today; a value is shown only with `--payload`."""
    code, (line,), _ = await typed(failed, "show", "undecodable", "--json")
    assert (code, line["reason"], line["today"]["valid"]) == (0, "undecodable", True)
    assert line["journal"]["customer"] == "not_created"
    assert LARGE not in str(line)
    place = f"{line['partition']}@{line['offset']}"
    code, (line,), _ = await typed(failed, "show", place, "--payload", "--json")
    assert orjson.loads(line["today"]["wouldSend"])["entitlements"] == LARGE
    assert (line["key"], line["headers"][1]) == ("undecodable", {"name": "x", "bytes": 1, "value": "0xfe"})


async def test_every_reason(failed):
    """A replay of all ends well where that is possible, creates nobody twice, and counts the replays of the others."""
    await look_at_one(failed)
    before = failed.box.ledger.created
    worker = await failed.start()
    code, lines, _ = await typed(failed, "replay", "--all", "--yes", "--follow", "--json")
    *_, tally = (line for line in lines if "selected" in line)
    assert tally["selected"] == 8
    assert sum(tally["replayed"].values()) == 7
    (doubt,) = tally["left"]
    assert "--accept-duplicates" in doubt
    told = list(ends(lines).values())
    assert code == 1
    assert [each["reason"]["code"] for each in told if "reason" in each] == ["unsupported_event"]
    assert [each["resolution"] for each in told if "resolution" in each] == ["created"] * 6
    assert failed.box.ledger.created == before + 6
    code, lines, _ = await typed(failed, "replay", "--all", "--yes", "--accept-duplicates", "--follow", "--json")
    again = list(ends(lines).values())
    assert [each.get("resolution", "failed") for each in again] in (["created", "failed"], ["failed", "created"])
    assert failed.box.ledger.created == before + 7
    assert failed.box.ledger.duplicates == {identity("outcome_unknown"): 2}
    assert await worker.stop() == 0
    code, lines, _ = await typed(failed, "list", "--reason", "unsupported_event", "--json")
    assert [line["replays"] for line in lines] == [2, 1, 0]
    headers = [record.headers for record in await failed.read(failed.plan.dead_letters)]
    assert all(each[:3] == (*STRUCTURED, ("x", b"\xfe"), ("x", None)) for each in headers)


@pytest.mark.parametrize("exists", [True, False])
async def test_a_doubt_with_a_look_up(world, exists):
    """With a look-up the replay asks first, without a flag: who exists is not created again, who does not exist is."""
    await world.topics()
    world.hurry()
    kind = {"kind": "reply_lost"} if exists else {"kind": "status", "status": 504}
    looking = {"WORKER_RECONCILE__BY": "custom_attribute", "WORKER_RECONCILE__ATTRIBUTE": "externalid"}
    # The record is parked because its search is refused.
    sandbox = await world.sandbox({**kind, "times": 1}, {"kind": "status", "call": "search", "status": 403})
    await world.publish(requested("e1"), key=b"k", headers=STRUCTURED)
    worker = await world.start(**looking)
    await worker.until("record.finished", reason="outcome_unknown")
    sandbox.faults.clear()
    code, lines, text = await typed(world, "replay", "--all", "--yes", "--follow", "--json", **looking)
    *_, tally = (line for line in lines if "selected" in line)
    assert code == 0
    if exists:
        assert (tally["replayed"], ends(lines)) == ({}, {})
        assert "its customer exists" in text[0]
    else:
        (end,) = ends(lines).values()
        assert end["resolution"] == "created"
    assert (sandbox.ledger.created, sandbox.ledger.duplicates) == (1, {})
    assert await worker.stop() == 0


async def test_a_bare_customer_in_doubt(world):
    """The replay of a bare customer is the same event, so that its doubt is known to be over afterwards."""
    await world.topics()
    world.hurry()
    sandbox = await world.sandbox({"kind": "reply_lost", "times": 1})
    await world.publish(b'{"type": "individual", "contactPersons": [{"firstName": "Jack"}]}', key=b"k")
    worker = await world.start()
    await worker.until("record.finished", reason="outcome_unknown")
    code, lines, _ = await typed(world, "replay", "0-0", "--yes", "--accept-duplicates", "--follow", "--json")
    (end,) = ends(lines).values()
    assert (code, end["resolution"], end["request"]["id"]) == (0, "created", "0-0")
    assert sandbox.ledger.created == 2
    journal = await world.start("journal", "unknown")
    assert await journal.ended() == 0
    assert journal.text == ["0 open doubts"]
    assert await worker.stop() == 0


async def test_letters_without_their_payload(world):
    """Where letters have no payload the originals are read from the request topic."""
    await world.topics()
    sandbox = await world.sandbox({"kind": "status", "status": 400, "times": 2})
    await world.publish(requested("e1"), requested("e2"), key=b"k", headers=STRUCTURED)
    worker = await world.start(WORKER_DEAD_LETTERS__PAYLOAD="metadata_only")
    await worker.until("record.finished", 2, reason="rejected")
    code, lines, _ = await typed(world, "replay", "--reason", "rejected", "--yes", "--follow", "--json")
    assert (code, [end["resolution"] for end in ends(lines).values()]) == (0, ["created", "created"])
    assert (sandbox.ledger.created, sandbox.ledger.duplicates) == (2, {})
    assert await worker.stop() == 0
