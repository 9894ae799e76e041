"""A worker that reaches the API through tinyproxy: while the proxy is down or refuses its user, the worker holds."""

import asyncio
from collections import Counter

import aiohttp
import orjson
import trustme
from patience import PATIENCE
from proxying import behind_tls, free_port, tinyproxy

JACK = orjson.dumps({"type": "individual", "contactPersons": [{"firstName": "Jack"}]})
OURS = trustme.CA()
RIGHT, WRONG = "BasicAuth worker pr0xy-secret", "BasicAuth worker another"


async def test_a_proxy_that_goes_and_comes(world, tmp_path):
    """The proxy goes away, refuses the user, comes back: each of 25 events has one customer, and none is unknown."""
    await world.topics()
    sandbox = await world.sandbox()
    OURS.cert_pem.write_to_path(tmp_path / "ca.pem")
    port = free_port()
    async with behind_tls(int(sandbox.base_url.rpartition(":")[2]), OURS.issue_cert("localhost")) as api:
        world.environment |= {
            "WORKER_API__BASE_URL": f"https://localhost:{api}",
            "WORKER_API__CA_FILE": str(tmp_path / "ca.pem"),
            "WORKER_API__PROXY": "environment",
            "WORKER_HOLD__MAX_PROBE_DELAY": "0.5",
            "HTTPS_PROXY": f"http://worker:pr0xy-secret@127.0.0.1:{port}",
            "NO_PROXY": "",
            "no_proxy": "",
        }
        worker = await world.start()
        async with tinyproxy(tmp_path, RIGHT, port=port):
            await world.publish(*[JACK] * 5)
            await worker.until("record.finished", 5, outcome="succeeded")
        await world.publish(*[JACK] * 20)
        (held,) = await worker.until("hold.started", reason="api_unavailable")
        assert f"through the proxy http://127.0.0.1:{port}: it cannot be used: " in held["detail"]
        async with tinyproxy(tmp_path, WRONG, port=port):
            (ops,) = worker.of("ops.started")
            await refused(f"http://127.0.0.1:{ops['port']}/status")
        async with tinyproxy(tmp_path, RIGHT, port=port):
            await worker.until("record.finished", 25, outcome="succeeded")
            await worker.until("hold.ended", reason="api_unavailable")
            assert await worker.stop() == 0
    assert Counter(line["outcome"] for line in worker.of("record.finished")) == {"succeeded": 25}
    assert sandbox.ledger.created == 25
    assert "pr0xy-secret" not in repr(worker.lines) + repr(worker.text)


async def refused(status):
    """Return once `/status` tells a hold because the proxy refuses the user."""
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as http:
        while True:
            async with http.get(status) as answer:
                holds = (await answer.json())["holds"]
            if any("it wants another user or password: 40" in hold["detail"] for hold in holds):
                return
            await asyncio.sleep(0.05)
