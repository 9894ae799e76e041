"""Events in another producer's form, read by a mapping file: created, passed over, refused, and verified."""

import orjson
import pytest

MAPPING = """
[[rules]]
when = "!contains(['Registered', 'Deleted'], headers.eventType)"
then = "pass_over"
say = "nothing of ours"

[[rules]]
when = "headers.eventType == 'Deleted'"
then = "unsupported_event"
say = "nothing can be deleted"

[event]
source = "join(':', ['urn', topic])"
id = "value.id"
customer = "{type: 'individual', contactPersons: [{firstName: value.name}]}"
"""
MENDED = MAPPING.replace("value.name", "value.name || value.first")
NOTHING = MAPPING.replace("!contains(['Registered', 'Deleted'], headers.eventType)", "`true`")


@pytest.fixture
def file(tmp_path):
    def written(text):
        (tmp_path / "mapping.toml").write_text(text)
        return str(tmp_path / "mapping.toml")

    return written


async def told(world, *arguments, **settings):
    """(exit code, what the command printed as JSON)."""
    command = await world.start(*arguments, "--json", **settings)
    return await command.ended(), command.lines


async def publish(world, kind, *values):
    headers = [("eventType", kind.encode())] if kind else []
    await world.publish(*(None if each is None else orjson.dumps(each) for each in values), key=b"k", headers=headers)


def endings(lines):
    return [(line["outcome"], line.get("reason")) for line in sorted(lines, key=lambda line: line["offset"])]


PASSED, UNSUPPORTED, CREATED = ("passed_over", "nothing of ours"), ("failed", "unsupported_event"), ("succeeded", None)


async def test_a_topic_of_others(world, file):
    """Each record ends as the file says; another file changes no known end, and a corrected one mends on replay."""
    await world.topics()
    sandbox = await world.sandbox()
    mapped = {"WORKER_EVENTS__MAPPING": file(MAPPING)}
    await publish(world, "Registered", {"id": 1, "name": "Ada"}, {"id": 1, "name": "Ada"}, {"id": 2, "first": "Ida"})
    await publish(world, "Deleted", {"id": 1})
    await publish(world, "Moved", {"id": 1}, None)
    await publish(world, "", {"id": 3, "name": "Nobody"})
    worker = await world.start(**mapped)
    ended = await worker.until("record.finished", 7)
    invalid = ("failed", "invalid_customer")
    first = [CREATED, CREATED, invalid, UNSUPPORTED, PASSED, PASSED, PASSED]
    assert endings(ended) == first
    assert await worker.stop() == 0
    assert len(sandbox.ledger) == 1

    code, _ = await told(world, "offsets", "set", "0", "earliest", "--yes")
    assert code == 0
    file(NOTHING)
    worker = await world.start(**mapped)
    assert endings(await worker.until("record.finished", 7)) == first
    assert await worker.stop() == 0

    file(MENDED)
    code, _ = await told(world, "dead-letters", "replay", "--reason", "invalid_customer", "--yes", **mapped)
    assert code == 0
    worker = await world.start(**mapped)
    [replayed] = await worker.until("record.finished", 1)
    assert (replayed["outcome"], replayed["event_id"]) == ("succeeded", "2")
    assert await worker.stop() == 0
    assert len(sandbox.ledger) == 2
    code, (document,) = await told(world, "verify", "--mapping", file(MENDED))
    assert (code, document["succeeded"], document["failed"], document["passedOver"]) == (0, 3, 2, 3)


async def test_a_mapping_that_is_broken(world, file):
    """With a mapping that cannot work the worker exits with 2 and says on which line."""
    worker = await world.start(WORKER_EVENTS__MAPPING=file(MAPPING.replace("value.name", "val.name")))
    assert await worker.ended() == 2
    assert "line 15 column 63: event.customer: a record has no 'val'" in "\n".join(worker.text)
