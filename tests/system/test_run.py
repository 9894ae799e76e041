"""The worker as its own process, from the request topic to the result topics."""

import asyncio
import signal
import socket

import orjson
import pytest
from patience import PATIENCE


def individual(name="Jack", **elements):
    person = {"firstName": name}
    return orjson.dumps({"type": {"value": "individual"}, "contactPersons": {"contactPerson": [person]}, **elements})


def event(id_, name="Jill"):
    attributes = {"specversion": "1.0", "id": id_, "source": "shop", "type": "customer.create.requested.v1"}
    return orjson.dumps({**attributes, "data": orjson.loads(individual(name))})


STRUCTURED = (("content-type", b"application/cloudevents+json"),)


async def test_every_record_ends_in_one_terminal_event(world):
    """Good, repeated, broken and null records have one result each, and after SIGTERM everything is committed."""
    await world.topics()
    sandbox = await world.sandbox()
    await world.publish(individual(), None, b"\xff{", individual(pin="x" * 256), key=b"n", partition=0)
    await world.publish(event("e1"), event("e1"), key=b"k", headers=STRUCTURED, partition=1)
    worker = await world.start()
    await worker.until("record.finished", 6)
    assert await worker.stop() == 0
    succeeded, failed = await world.events(world.plan.succeeded), await world.events(world.plan.failed)
    assert sorted(each["data"]["resolution"] for each in succeeded) == ["already_created", "created", "created"]
    assert sorted(each["data"]["reason"]["code"] for each in failed) == [
        "invalid_customer",
        "undecodable",
        "undecodable",
    ]
    assert len({each["id"] for each in succeeded + failed}) == 6
    assert await world.committed() == {0: 4, 1: 2}
    assert (sandbox.ledger.created, sandbox.ledger.duplicates, len(sandbox.sessions)) == (2, {}, 0)


async def test_dead_letters_are_the_original_bytes(world):
    """A dead letter has the original key, value and headers, and the failed event names its place."""
    await world.topics()
    await world.sandbox()
    await world.publish(b"no json", key=b"k", headers=(("trace", b"\xfe"),), partition=1)
    worker = await world.start()
    await worker.until("record.finished")
    await worker.stop()
    (letter,) = await world.read(world.plan.dead_letters)
    (failed,) = await world.events(world.plan.failed)
    assert (letter.partition, letter.key, letter.value, letter.headers[0]) == (1, b"k", b"no json", ("trace", b"\xfe"))
    place = {"topic": world.plan.dead_letters, "partition": 1, "offset": letter.offset}
    assert failed["data"]["deadLetter"] == place
    assert dict(letter.headers)["worker-reason"] == b"undecodable"


async def test_a_redelivery(world):
    """After the group's offset was set back the same event ids are published again, and nothing is sent twice."""
    await world.topics()
    sandbox = await world.sandbox()
    await world.publish(individual("A"), individual("B"), b"broken", key=b"k")
    for _ in range(2):
        worker = await world.start()
        await worker.until("record.finished", 3)
        assert await worker.stop() == 0
        setting = await world.start("offsets", "set", "0", "earliest", "--yes")
        assert await setting.ended() == 0, setting.text
    events = await world.events(world.plan.succeeded, 4) + await world.events(world.plan.failed, 2)
    assert len(events) == 6
    assert len({each["id"] for each in events}) == 3
    assert (sandbox.ledger.created, sandbox.ledger.duplicates) == (2, {})


async def test_a_worker_killed_while_the_api_works(world):
    """Killed after the API created the customer: the next worker parks that record and sends nothing for it."""
    await world.topics()
    sandbox = await world.sandbox({"kind": "delay_after", "seconds": 60, "times": 1})
    await world.publish(individual("A"), individual("B"), key=b"k")
    worker = await world.start(WORKER_KAFKA__SESSION_TIMEOUT="6")
    async with asyncio.timeout(PATIENCE):
        while not sandbox.ledger.created:
            await asyncio.sleep(0.01)
    assert await worker.stop(signal.SIGKILL) == -signal.SIGKILL
    worker = await world.start(WORKER_KAFKA__SESSION_TIMEOUT="6")
    # The next record of a key begins at the answer, so that either may be logged first.
    first, second = sorted(await worker.until("record.finished", 2), key=lambda line: line["offset"])
    assert (first["offset"], first["reason"]) == (0, "outcome_unknown")
    assert (second["offset"], second["outcome"]) == (1, "succeeded")
    assert await worker.stop() == 0
    assert (sandbox.ledger.created, sandbox.ledger.duplicates) == (2, {})


async def test_a_stop_while_the_api_works(world):
    """After SIGTERM the call in flight ends and is committed; the records behind it are left to the next worker."""
    await world.topics()
    sandbox = await world.sandbox({"kind": "delay_before", "seconds": 1, "times": 1})
    await world.publish(*[individual(name) for name in "ABC"], key=b"k")
    worker = await world.start()
    async with asyncio.timeout(PATIENCE):
        while not sandbox.faults.active[0].hits:
            await asyncio.sleep(0.01)
    assert await worker.stop() == 0
    assert await world.committed() == {0: 1, 1: 0}
    worker = await world.start()
    await worker.until("record.finished", 2)
    assert await worker.stop(signal.SIGINT) == 0
    assert (sandbox.ledger.created, sandbox.ledger.duplicates) == (3, {})
    assert await world.events(world.plan.failed) == []


async def test_a_second_signal(world):
    """At a second signal the worker exits at once; its record ends as unknown, and nothing is sent again."""
    await world.topics()
    sandbox = await world.sandbox({"kind": "hang", "times": 1})
    await world.publish(individual())
    worker = await world.start()
    async with asyncio.timeout(PATIENCE):
        while not sandbox.faults.active[0].hits:
            await asyncio.sleep(0.01)
    worker.send(signal.SIGTERM)
    await worker.until("stop.requested")
    assert await worker.stop() == 1
    worker = await world.start()
    (line,) = await worker.until("record.finished")
    assert line["reason"] == "outcome_unknown"
    assert await worker.stop() == 0
    assert sandbox.ledger.created == 0


async def test_an_api_that_is_not_there_yet(world):
    """Before the API is there the worker holds and says why; then it goes on by itself, without a dead letter."""
    await world.topics()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    world.environment["WORKER_API__BASE_URL"] = f"http://127.0.0.1:{port}"
    await world.publish(*[individual(name) for name in "ABC"])
    worker = await world.start(WORKER_HOLD__AFTER_FAILURES="3")
    (hold,) = await worker.until("hold.started", reason="api_unavailable")
    assert f"127.0.0.1:{port}" in hold["detail"]
    sandbox = await world.sandbox(port=port)
    await worker.until("record.finished", 3, outcome="succeeded")
    await worker.until("hold.ended", reason="api_unavailable")
    assert await worker.stop() == 0
    assert (sandbox.ledger.created, await world.events(world.plan.failed)) == (3, [])


async def test_a_wrong_password(world):
    """A wrong password is a hold with its own reason; the log has no password, and the worker can be stopped."""
    await world.topics()
    sandbox = await world.sandbox()
    await world.publish(*[individual(name) for name in "ABCDEFGH"])
    worker = await world.start(WORKER_API__PASSWORD="wr0ng-secret")
    await worker.until("hold.started", reason="session_refused")
    assert await worker.stop() == 0
    assert "wr0ng-secret" not in repr(worker.lines) + repr(worker.text)
    assert sandbox.ledger.created == 0


async def test_a_kafka_that_is_not_there(world):
    """Without a Kafka the worker waits and names the setting; it can be stopped."""
    await world.sandbox()
    worker = await world.start(WORKER_KAFKA__BOOTSTRAP_SERVERS="127.0.0.1:9")
    (hold,) = await worker.until("hold.started", reason="kafka_unavailable")
    assert "WORKER_KAFKA__BOOTSTRAP_SERVERS" in hold["detail"]
    assert await worker.stop() == 0


async def test_missing_topics(world):
    """Without the topics the worker exits with 1 and names the command that makes them."""
    await world.sandbox()
    worker = await world.start()
    assert await worker.ended() == 1
    assert len(worker.text) == 5
    assert all("customer-worker topics create" in line for line in worker.text)


async def test_a_journal_with_another_partition_count(world):
    """Where journal and requests differ in partitions the worker exits with 1 and names both."""
    await world.sandbox()
    await world.topics(journal=f"{world.plan.requests}.elsewhere", partitions=3)
    await world.topics(requests=f"{world.plan.journal}.elsewhere", partitions=2)
    worker = await world.start()
    assert await worker.ended() == 1
    (line,) = worker.text
    assert "2 partitions" in line
    assert "3 partitions" in line
    assert "WORKER_TOPICS__JOURNAL" in line


async def test_a_broken_journal(world):
    """A foreign entry in the journal holds that partition, and the log tells its offset; the other one goes on."""
    await world.topics()
    await world.sandbox()
    await world.publish(b"not ours", key=b"?", partition=1, topic=world.plan.journal)
    await world.publish(individual(), partition=0)
    await world.publish(individual(), partition=1)
    worker = await world.start()
    (line,) = await worker.until("journal.restore_failed")
    assert f"{world.plan.journal}/1 at offset 0" in line["detail"]
    await worker.until("record.finished", partition=0)
    assert await worker.stop() == 0
    assert await world.committed() == {0: 1, 1: None}


@pytest.mark.parametrize(
    ("settings", "arguments", "line"),
    [
        ({"WORKER_KAFKA__BOOTSTRAP": "x"}, (), "did you mean WORKER_KAFKA__BOOTSTRAP_SERVERS?"),
        ({"WORKER_API__BASE_URL": "crm"}, (), "WORKER_API__BASE_URL (environment): must be scheme"),
        ({"WORKER_API__PASSWORD": ""}, (), "WORKER_API__USERNAME and WORKER_API__PASSWORD: required"),
        ({}, ("--config", "/no/such/file.toml", "run"), "--config /no/such/file.toml: No such file"),
        ({"WORKER_KAFKA__BOOTSTRAP_SERVERS": "kafka:nonsense"}, (), "must be host:port"),
    ],
)
async def test_wrong_settings(world, settings, arguments, line):
    """A wrong setting ends the command with 2 and a line that names it."""
    worker = await world.start(*arguments, **settings)
    assert await worker.ended() == 2
    assert line in "\n".join(worker.text)
    assert "Traceback" not in "\n".join(worker.text)


@pytest.mark.parametrize("command", ["sandbox", "kafka"])
async def test_a_port_that_is_taken(world, command):
    """With the port in use `sandbox` and `kafka` exit with 1 and one line that names it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        process = await world.start(command, "--port", port)
        assert await process.ended() == 1
    assert port in process.text[-1]
    assert "Traceback" not in "\n".join(process.text)


async def test_a_password_that_is_changed(world, tmp_path):
    """The settings file is read again at the next login: with the right password the hold ends without a restart."""
    await world.topics()
    sandbox = await world.sandbox()
    secret = tmp_path / "settings.toml"
    secret.write_text('[api]\npassword = "yesterday"\n')
    password = world.environment.pop("WORKER_API__PASSWORD")
    await world.publish(individual())
    worker = await world.start("--config", str(secret), "run")
    await worker.until("hold.started", reason="session_refused")
    secret.write_text(f'[api]\npassword = "{password}"\n')
    await worker.until("record.finished", outcome="succeeded")
    await worker.until("hold.ended", reason="session_refused")
    assert await worker.stop() == 0
    assert sandbox.ledger.created == 1
