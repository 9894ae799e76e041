"""The operations port of a running worker: whether it is alive and ready, and what it tells when nothing moves."""

import asyncio
import signal
import socket
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import orjson
import pytest
from patience import PATIENCE
from prometheus_client.parser import text_string_to_metric_families

from worker import __version__

STALLING = Path(__file__).with_name("stalling.py")


def individual(name="Jack"):
    return orjson.dumps({"type": {"value": "individual"}, "contactPersons": {"contactPerson": [{"firstName": name}]}})


class Pages:
    """The operations port of one worker."""

    def __init__(self, http, port):
        self.http, self.url = http, f"http://127.0.0.1:{port}"

    async def get(self, path, **headers):
        async with self.http.get(self.url + path, headers=headers) as answer:
            return answer.status, await answer.text()

    async def json(self, path):
        status, text = await self.get(path)
        return status, orjson.loads(text)

    async def status(self, path="/status"):
        return (await self.json(path))[1]

    async def until(self, path, condition):
        """Ask for that page until the condition holds, and return it."""
        async with asyncio.timeout(PATIENCE):
            while not condition(found := await self.json(path)):
                await asyncio.sleep(0.05)
        return found

    async def samples(self):
        """The values of all metrics, by name and labels."""
        _, text = await self.get("/metrics")
        return {
            (sample.name.removeprefix("customer_worker_"), *sorted(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


@pytest.fixture
async def pages():
    """Gives the pages of a worker, once it has logged its port."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as http:

        async def of(worker):
            (line,) = await worker.until("ops.started")
            return Pages(http, line["port"])

        yield of


async def test_a_worker_that_works(world, pages):
    """A worker at work is alive and ready; its status and metrics show what it did."""
    await world.topics()
    await world.sandbox()
    await world.publish(individual("A"), individual("B"), b"broken", key=b"k", partition=0)
    worker = await world.start()
    shown = await pages(worker)
    await worker.until("record.finished", 3)
    await shown.until("/status", lambda found: [each["lag"] for each in found[1]["partitions"]] == [0, 0])
    assert await shown.json("/livez") == (200, {"live": True})
    assert await shown.json("/readyz") == (200, {"ready": True, "reasons": []})
    status = await shown.status()
    assert (status["state"], status["boundBy"], status["inFlight"], status["queued"]) == ("running", "idle", 0, 0)
    assert (status["version"], status["group"]) == (__version__, world.environment["WORKER_KAFKA__GROUP_ID"])
    assert status["instance"].endswith(f":{worker.process.pid}")
    assert datetime.fromisoformat(status["startedAt"]) <= datetime.now(UTC)
    assert status["session"]["renewals"] == 0
    assert status["session"]["ageSeconds"] >= 0
    assert status["partitions"][0] == {
        "topic": world.plan.requests,
        "partition": 0,
        "position": 3,
        "committed": 3,
        "end": 3,
        "lag": 0,
        "journalEntries": 3,
    }
    samples = await shown.samples()
    assert samples["records_total", "created", "succeeded"] == 2
    assert samples["records_total", "failed", "undecodable"] == 1
    assert samples["records_total", "failed", "rejected"] == 0
    assert samples["dead_letters_total", "undecodable"] == 1
    assert samples["api_requests_total", "201"] == samples["api_request_seconds_count",] - 1 == 2
    assert samples["session_renewals_total", "succeeded"] == 1
    assert samples["record_seconds_count",] == samples["journal_entries",] == 3
    assert samples["journal_restore_seconds_count",] == 2
    assert samples["lag", "0"] == samples["hold", "stopping"] == samples["commit_failures_total",] == 0
    assert samples["process_cpu_seconds_total",] > 0
    assert await worker.stop() == 0


async def test_an_api_that_hangs(world, pages):
    """While a call hangs `/status` names the record that blocks and what it waits for; after SIGTERM it is draining."""
    world.hurry(WORKER_API__REQUEST_TIMEOUT="8", WORKER_DISPATCH__DRAIN_TIMEOUT="9", WORKER_DISPATCH__MAX_IN_FLIGHT="1")
    await world.topics()
    sandbox = await world.sandbox({"kind": "delay_before", "seconds": 4, "times": 1})
    await world.publish(*[individual(name) for name in "ABC"], partition=0)
    worker = await world.start()
    shown = await pages(worker)
    async with asyncio.timeout(PATIENCE):
        while not sandbox.faults.active[0].hits:
            await asyncio.sleep(0.01)
    _, status = await shown.until("/status", lambda found: found[1]["partitions"][0]["lag"] is not None)
    first = status["partitions"][0]
    assert (status["boundBy"], status["inFlight"] + status["queued"], first["lag"]) == ("api", 3, 3)
    assert (first["blocking"]["offset"], first["blocking"]["reason"]) == (0, "post")
    assert 0 < first["blocking"]["ageSeconds"] < 60
    assert (await shown.samples())["oldest_uncommitted_seconds", "0"] > 0
    worker.send(signal.SIGTERM)
    await shown.until("/readyz", lambda found: found == (503, {"ready": False, "reasons": ["stopping"]}))
    assert (await shown.status())["state"] == "draining"
    assert (await shown.json("/livez"))[0] == 200
    assert await worker.ended() == 0


async def test_a_hold(world, pages):
    """During a hold the process is alive but not ready, and status, readiness and metrics give the reason."""
    await world.topics()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    world.environment["WORKER_API__BASE_URL"] = f"http://127.0.0.1:{port}"
    await world.publish(*[individual(name) for name in "ABC"], partition=1)
    worker = await world.start(WORKER_HOLD__AFTER_FAILURES="3")
    shown = await pages(worker)
    await shown.until("/readyz", lambda found: found == (503, {"ready": False, "reasons": ["api_unavailable"]}))
    status = await shown.status()
    assert (status["state"], status["boundBy"], status["session"]) == (
        "holding",
        "hold",
        {"ageSeconds": None, "renewals": 0},
    )
    (hold,) = status["holds"]
    assert hold["reason"] == "api_unavailable"
    assert f"127.0.0.1:{port}" in hold["detail"]
    samples = await shown.samples()
    assert samples["hold", "api_unavailable"] == 1
    assert samples["api_requests_total", "not_sent"] >= 1
    assert samples["session_renewals_total", "unavailable"] >= 1
    assert (await shown.json("/livez"))[0] == 200
    await world.sandbox(port=port)
    await worker.until("record.finished", 3)
    await shown.until("/readyz", lambda found: found[0] == 200)
    assert await worker.stop() == 0


async def test_a_process_that_is_frozen(world, pages):
    """A stopped process (SIGSTOP) does not answer; it goes on after SIGCONT."""
    await world.topics()
    await world.sandbox()
    worker = await world.start()
    shown = await pages(worker)
    await shown.until("/readyz", lambda found: found[0] == 200)
    worker.send(signal.SIGSTOP)
    await worker.frozen()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(shown.get("/livez"), 0.5)
    worker.send(signal.SIGCONT)
    await shown.until("/livez", lambda found: found[0] == 200)
    assert await worker.stop() == 0


async def test_a_consumer_that_is_stuck(world, pages):
    """With a consumer that hangs `/livez` is 503 and says why, so that the process is started anew."""
    await world.topics()
    await world.sandbox()
    await world.publish(individual())
    worker = await world._process(str(STALLING), "run")
    shown = await pages(worker)
    await worker.until("record.finished")
    _, told = await shown.until("/livez", lambda found: found[0] == 503)
    assert told["live"] is False
    assert "consumer has not asked for records" in told["detail"]
    worker.send(signal.SIGKILL)
    await worker.ended()


async def test_a_kafka_that_is_not_there(world, pages):
    """The port answers before Kafka is reached, and says that Kafka is missing."""
    await world.sandbox()
    worker = await world.start(WORKER_KAFKA__BOOTSTRAP_SERVERS="127.0.0.1:9")
    shown = await pages(worker)
    await shown.until("/readyz", lambda found: found == (503, {"ready": False, "reasons": ["kafka_unavailable"]}))
    status = await shown.status()
    assert (status["state"], status["boundBy"], status["partitions"]) == ("holding", "hold", [])
    assert (await shown.json("/livez"))[0] == 200
    assert await worker.stop() == 0


async def test_a_journal_that_cannot_be_read(world, pages):
    """The partition whose journal cannot be read is told as restoring; the other one works."""
    await world.topics()
    await world.sandbox()
    await world.publish(b"not ours", key=b"?", partition=1, topic=world.plan.journal)
    await world.publish(individual(), partition=0)
    worker = await world.start()
    shown = await pages(worker)
    await worker.until("record.finished", partition=0)
    await worker.until("journal.restore_failed")
    status = await shown.status()
    assert (status["state"], [each["reason"] for each in status["holds"]]) == ("restoring", ["journal_restoring"])
    assert [each["partition"] for each in status["partitions"]] == [0, 1]
    assert await shown.json("/readyz") == (503, {"ready": False, "reasons": ["journal_restoring"]})
    assert (await shown.json("/livez"))[0] == 200
    assert await worker.stop() == 0


async def test_a_port_that_is_taken(world):
    """With the port in use the worker exits with 1 and one line names the setting."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        worker = await world.start(WORKER_OPS__PORT=port)
        assert await worker.ended() == 1
    assert worker.text == [
        f"WORKER_OPS__PORT: cannot listen on 127.0.0.1:{port}: the port is in use (0 takes a free one)"
    ]
