"""The worker's Kafka user with exactly the documented rights, and with one of them missing."""

import asyncio
from collections.abc import AsyncIterator, Collection
from typing import Any, cast
from uuid import uuid4

import orjson
import pytest
import pytest_asyncio
from console_visitor import consoled
from kafka_rights import Kind, Right, documented
from patience import PATIENCE
from secured import PASSWORD, USER, SecuredKafka

from worker.kafka import admin, brokers, missing_topics
from worker.kafka.journal_topic import JournalTopic
from worker.kafka.membership import Membership
from worker.kafka.publisher import Publisher
from worker.kafka.source import record_source
from worker.model.errors import KafkaUnavailable, StartupError
from worker.settings import sources as configuration
from worker.tools import check
from worker.tools.check import Client
from worker.topics import verify

# One event loop for the module, as its one broker is shared.
pytestmark = pytest.mark.asyncio(loop_scope="module")
GOOD = orjson.dumps({"type": "individual", "contactPersons": [{"firstName": "Jack"}]})
BAD = b"not a customer"
HELD = {"reason": "kafka_unavailable"}


@pytest_asyncio.fixture(loop_scope="module")
async def world(secured: SecuredKafka, world_on: Any) -> AsyncIterator[Any]:
    """Topics of its own; the worker logs in as its user, while the test itself may do anything."""
    async with world_on(secured.plain, f"t-{uuid4().hex[:12]}") as opened:
        opened.environment.update(
            WORKER_TOPICS__PARTITIONS=str(opened.plan.partitions),
            WORKER_KAFKA__BOOTSTRAP_SERVERS=secured.broker.address("SASLS"),
            WORKER_KAFKA__SECURITY_PROTOCOL="SASL_SSL",
            WORKER_KAFKA__SASL_MECHANISM="SCRAM-SHA-512",
            WORKER_KAFKA__USERNAME=USER,
            WORKER_KAFKA__PASSWORD=PASSWORD,
            WORKER_KAFKA__CA_FILE=str(secured.certificates.ca),
        )
        yield opened


class Nobody:
    """A group member that must not be given any partition."""

    def assigned(self, partitions: Collection[int]) -> None:
        raise AssertionError

    async def revoked(self, partitions: Collection[int]) -> None:
        assert not partitions


def rights(world: Any, command: str) -> list[Right]:
    return list(documented(command, world.plan, world.environment["WORKER_KAFKA__GROUP_ID"]))


def told(right: Right) -> str:
    """The worker's words for a missing right."""
    setting = "WORKER_KAFKA__GROUP_ID, " if right.kind == Kind.group else ""
    return f"no right to {right.operation.name} {right.kind.name} {right.name} ({setting}WORKER_KAFKA__USERNAME)"


async def test_rights_of_the_runbook(secured, world):
    """The rights documented for `topics create` and `run` are enough to make the topics and to work."""
    sandbox = await world.sandbox()
    await secured.rights.grant(rights(world, "run"))
    async with admin.opened(secured.connection("SASLS")) as client:
        with pytest.raises(StartupError, match=f"topic {world.plan.requests} was not created: Authorization failed"):
            await missing_topics.create(client, world.plan)
        await secured.rights.grant(rights(world, "topics create"))
        assert {report.state for report in await missing_topics.create(client, world.plan)} == {"created"}
    worker = await world.start()
    await world.publish(GOOD, BAD)
    await worker.until("record.finished", 2)
    assert await worker.stop() == 0
    assert sandbox.ledger.created == 1
    assert await world.committed() == {0: 2, 1: 0}
    assert [len(await world.read(topic)) for topic in (world.plan.succeeded, world.plan.dead_letters)] == [1, 1]


async def test_rights_of_the_commands(secured, world, tmp_path):
    """Each command works with the rights of `run` and those documented for it."""
    await world.topics()
    await world.sandbox({"kind": "reply_lost", "times": 1})
    given = rights(world, "run")
    await secured.rights.grant(given)
    await world.publish(GOOD)
    worker = await world.start()
    await worker.until("record.finished", reason="outcome_unknown")
    await world.publish(BAD)
    await worker.until("record.finished", 2)
    assert await worker.stop() == 0
    (tmp_path / "events.ndjson").write_bytes(GOOD)
    for command, *arguments in (
        ("journal", "unknown"),
        ("verify",),
        ("rehearse", "--tolerate", "50"),
        ("dead-letters list",),
        ("dead-letters show", "0@0"),
        ("dead-letters replay", "--all", "--yes"),
        ("dead-letters resolve", "0@0", "--customer-id", "2801", "--yes"),
        ("produce", str(tmp_path / "events.ndjson")),
        ("topics grow", "3", "--yes"),
    ):
        own = [right for right in rights(world, command) if right not in given]
        await secured.rights.grant(own)
        process = await world.start(*command.split(), *arguments)
        assert await process.ended() == 0, (command, process.text)
        for right in own:
            await secured.rights.take(right)


async def test_rights_of_the_console(secured, world):
    """The console's own rights are enough to read and to plan; a replay then fails and the page names the missing
    right. With the further rights that are documented for acting, the replay works.
    """
    await world.topics()
    await world.sandbox({"kind": "status", "status": 400})
    given = rights(world, "run")
    await secured.rights.grant(given)
    await world.publish(GOOD)
    worker = await world.start()
    await worker.until("record.finished", reason="rejected")
    assert await worker.stop() == 0
    own = rights(world, "console")
    for right in given:
        if right not in own:
            await secured.rights.take(right)
    await secured.rights.grant(own)
    async with consoled(configuration.load(environment=world.environment)) as visitor:
        for address in ("/letters", "/letters/0@0", "/doubts", "/runs"):
            assert (await visitor.open(address)).status == 200
        letters = await seen(visitor, "/letters", "1 of 1 dead letter read")
        plan = await visitor.send(letters.form("Plan a replay"))
        planned = await seen(visitor, plan.address, "1 would be replayed")
        run = await visitor.send(planned.form("Replay 1"))
        assert "no right to" in (await seen(visitor, run.address, "failed")).plain
        await secured.rights.grant(rights(world, "console that acts"))
        plan = await visitor.send((await visitor.open("/letters")).form("Plan a replay"))
        planned = await seen(visitor, plan.address, "1 would be replayed")
        run = await visitor.send(planned.form("Replay 1"))
        await seen(visitor, run.address, "has not ended 1 of them")


async def seen(visitor, address, text):
    """Open the page until it has that text, and return it."""
    async with asyncio.timeout(PATIENCE):
        while text not in (shown := await visitor.open(address)).plain:
            await asyncio.sleep(0.05)
    return shown


async def test_rights_to_rehearse(secured, world):
    """`rehearse` works with the rights of its own line alone."""
    await world.topics()
    await world.publish(GOOD)
    await secured.rights.grant(rights(world, "rehearse"))
    process = await world.start("rehearse")
    assert await process.ended() == 0, process.text


@pytest.mark.parametrize("topic", ["requests", "succeeded", "failed", "dead_letters"])
async def test_topic_without_a_right(secured, world, topic):
    """Without the rights on one topic the worker does not start, and names the right."""
    await world.topics()
    name = getattr(world.plan, topic)
    await secured.rights.grant([right for right in rights(world, "run") if right.name != name])
    with pytest.raises(StartupError, match=f"^no right to Describe topic {name}, .*WORKER_KAFKA__USERNAME"):
        async with admin.opened(secured.connection("SASLS")) as client:
            await verify(client, world.plan)


async def test_group_without_a_right(secured, world):
    """Without the right to the group the worker does not start, and names the right."""
    await world.topics()
    membership = Membership(world.plan.requests, "a-group", session_timeout=6, rebalance_timeout=10)
    await secured.rights.grant([right for right in rights(world, "run") if right.kind == Kind.topic])
    with pytest.raises(StartupError, match=r"refused: no right to Read group a-group \(WORKER_KAFKA__GROUP_ID"):
        async with record_source(secured.connection("SASLS"), membership, Nobody()):
            pass


async def test_journal_that_may_not_be_read(secured, world):
    """A partition whose journal may not be read is not worked on; the error names the missing right."""
    await world.topics()
    await world.publish(b"something", key=b"something", topic=world.plan.journal)
    await secured.rights.grant([right for right in rights(world, "run") if right.operation.name == "Write"])
    connection = secured.connection("SASLS")
    topic = JournalTopic(world.plan.journal, connection, cast("Publisher", None), world.plan.requests)
    with pytest.raises(KafkaUnavailable, match=f"cannot read it: no right to Read topic {world.plan.journal}"):
        await topic.read(0, 0, 1, lambda _: None)


async def test_rights_taken_away(secured, world):
    """Each right is taken away meanwhile: a hold names it and ends once it is back; nothing is lost or done twice."""
    sandbox = await world.sandbox()
    await world.topics()
    given = rights(world, "run")
    await secured.rights.grant(given)
    worker = await world.start()
    await worker.until("hold.ended", reason="journal_restoring")
    # The journal is read only when partitions are assigned; losing the group's right causes that, so it comes last.
    noticed = [right for right in given if (right.operation.name, right.name) != ("Read", world.plan.journal)]
    noticed.sort(key=lambda right: right.kind)
    for number, right in enumerate(noticed, 1):
        holds, ends = len(worker.of("hold.started", **HELD)), len(worker.of("hold.ended", **HELD))
        await secured.rights.take(right)
        await world.publish(GOOD, BAD)
        *_, hold = await worker.until("hold.started", holds + 1, **HELD)
        assert hold["detail"].endswith(told(right))
        await secured.rights.grant([right])
        await worker.until("hold.ended", ends + 1, **HELD)
        await worker.until("record.finished", 2 * number)
    assert await worker.stop() == 0
    assert await world.committed() == {0: 2 * len(noticed), 1: 0}
    assert sandbox.ledger.created == len(noticed)
    assert len({event["id"] for event in await world.events(world.plan.failed)}) == len(noticed)


async def test_wrong_password(world):
    """A wrong password begins a hold (the user may be made later) that names the settings, not the password."""
    await world.sandbox()
    worker = await world.start(WORKER_KAFKA__PASSWORD="wr0ng-secret")
    (hold,) = await worker.until("hold.started", **HELD)
    assert "refused the login (WORKER_KAFKA__USERNAME, WORKER_KAFKA__PASSWORD" in hold["detail"]
    assert await worker.stop() == 0
    assert "wr0ng-secret" not in repr(worker.lines) + repr(worker.text)


async def test_check_names_each_right_that_is_missing(secured, world):
    """`check` finds nothing missing with the rights of `run`, and names each one that is taken away."""
    await world.topics()
    given = rights(world, "run")
    await secured.rights.grant(given)
    client = Client("", "SASL_SSL", world.environment["WORKER_KAFKA__GROUP_ID"], 45)

    async def missing():
        seen = check.lines([check.kafka(lambda: brokers.opened(secured.connection("SASLS")), world.plan, client)])
        return {line.detail async for line in seen if line.check in {"rights", "producer", "group", "topics"}}

    assert await missing() == {
        "Read and Write on the topics where `run` needs them",
        "idempotent",
        f"{client.group}, 0 members now",
    }
    for right in given:
        await secured.rights.take(right)
        assert any(right.name in told and right.operation.name in told for told in await missing())
        await secured.rights.grant([right])
