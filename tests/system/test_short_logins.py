"""A worker that logs in to Kafka with tokens, where the brokers end each login after ten seconds."""

import time
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from judging import numbered
from kafka_rights import documented
from secured import LASTS, USER
from token_endpoint import CLIENT_ID, CLIENT_SECRET, token_endpoint

# One event loop for the module, as its one broker is shared.
pytestmark = pytest.mark.asyncio(loop_scope="module")
REFUSAL = 401, b'{"error": "invalid_client"}'


@pytest_asyncio.fixture(loop_scope="module")
async def world(secured: Any, world_on: Any) -> Any:
    async with world_on(secured.plain, f"t-{uuid4().hex[:12]}") as opened:
        await opened.topics()
        await secured.rights.grant(documented("run", opened.plan, opened.environment["WORKER_KAFKA__GROUP_ID"]))
        opened.environment |= {
            "WORKER_KAFKA__BOOTSTRAP_SERVERS": secured.broker.address("TOKENS"),
            "WORKER_KAFKA__SECURITY_PROTOCOL": "SASL_SSL",
            "WORKER_KAFKA__CA_FILE": str(secured.certificates.ca),
            "WORKER_KAFKA__SASL_MECHANISM": "OAUTHBEARER",
            "WORKER_KAFKA__OAUTH_CLIENT_ID": CLIENT_ID,
            "WORKER_KAFKA__OAUTH_CLIENT_SECRET": CLIENT_SECRET,
        }
        yield opened


async def test_logins_that_end(world):
    """The work goes on past the first logins' end without a hold, a lost partition or a new connection.

    A refused token is a hold that says why, at the start or later, and ends by itself.
    """
    sandbox = await world.sandbox()
    async with token_endpoint(USER, lasts=LASTS + 1) as endpoint:
        world.environment["WORKER_KAFKA__OAUTH_TOKEN_URL"] = endpoint.url
        endpoint.answer = REFUSAL
        worker = await world.start()
        (held,) = await worker.until("hold.started", reason="kafka_unavailable")
        assert "401 invalid_client (WORKER_KAFKA__OAUTH_CLIENT_ID, WORKER_KAFKA__OAUTH_CLIENT_SECRET)" in held["detail"]
        endpoint.answer = None
        await worker.until("hold.ended", reason="kafka_unavailable")
        published = await worked_on(world, worker)
        assert len(worker.of("hold.started", reason="kafka_unavailable")) == 1
        assert len(worker.of("partitions.assigned")) == 1
        endpoint.answer = REFUSAL
        _, held = await worker.until("hold.started", 2, reason="kafka_unavailable")
        assert "invalid_client" in held["detail"]
        endpoint.answer = None
        await world.publish(numbered(published))
        await worker.until("hold.ended", 2, reason="kafka_unavailable")
        await worker.until("record.finished", published + 1)
        assert await worker.stop() == 0
    assert {line["outcome"] for line in worker.of("record.finished")} == {"succeeded"}
    assert sandbox.ledger.created == published + 1
    assert CLIENT_SECRET not in repr(worker.lines) + repr(worker.text)


async def worked_on(world, worker):
    """Publish events until the first logins would have ended; returns how many."""
    end, published = time.monotonic() + 1.5 * LASTS, 0
    while time.monotonic() < end:
        await world.publish(numbered(published), numbered(published + 1), partition=published // 2 % 2)
        published += 2
        await worker.until("record.finished", published)
    return published
