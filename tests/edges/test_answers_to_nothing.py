"""Answers that no request asked for are never taken for the outcome of a creation."""

import asyncio

import pytest
from misbehaving import CREATED, SMALL, Peer, logged_in, saying, well
from patience import PATIENCE, until

from worker.model.errors import ApiUnavailable
from worker.model.outcomes import Succeeded

OTHER = CREATED.replace(b"2801", b"7777")
SURPLUS = {
    "another creation's": OTHER,
    "a refusal": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    "not now": b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n",
    "a failure": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\n{}",
    "half an answer": b"HTTP/1.1 201 Crea",
    "an interim one": b"HTTP/1.1 102 Processing\r\n\r\n",
}


def kept(api) -> bool:
    """Whether the pool has a connection that can be used again."""
    pooled = [protocol for each in api._http._session.connector._conns.values() for protocol, _ in each]
    return any(protocol.is_connected() and not protocol.should_close for protocol in pooled)


class Told:
    """Answers a creation, and sends more on the same connection once `now` is set."""

    def __init__(self, more: bytes, first: bytes = CREATED):
        self.more, self.first, self.now = more, first, asyncio.Event()

    async def __call__(self, peer: Peer):
        if self.first:
            await peer.request()
            await peer.say(self.first)
        await self.now.wait()
        await peer.say(self.more)
        await well(peer)


@pytest.mark.parametrize("surplus", SURPLUS.values(), ids=SURPLUS.keys())
async def test_an_answer_on_an_idle_connection(surplus):
    """A surplus answer on an idle connection: it is closed, and the next creation has another one and its answer."""
    peer = Told(surplus)
    async with logged_in(peer, pool_size=1) as (api, server):
        assert isinstance(await api.create(SMALL), Succeeded)
        assert kept(api)
        peer.now.set()
        await until(lambda: not kept(api), within=PATIENCE, every=0.001)
        looks = []
        created = await api.create(SMALL, lambda: looks.append(0))
        assert isinstance(created, Succeeded)
        assert (created.customer_id, server.created, server.connections, len(looks)) == ("2801", 2, 3, 1)


@pytest.mark.parametrize("first", [CREATED, b""], ids=["reused", "fresh"])
@pytest.mark.parametrize("surplus", SURPLUS.values(), ids=SURPLUS.keys())
async def test_an_answer_while_the_last_look_waits(surplus, first):
    """A surplus answer comes while a creation waits to be written: nothing was sent, and the next one succeeds."""
    peer = Told(surplus, first)

    def look():
        peer.now.set()
        return 0.005

    async with logged_in(peer, pool_size=1) as (api, server):
        if first:
            await api.create(SMALL)
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(ApiUnavailable):
                await api.create(SMALL, look)
        assert server.created == bool(first)
        assert isinstance(await api.create(SMALL), Succeeded)


async def test_two_answers_to_one_creation():
    """Two answers to one creation: the first counts, and the connection is not used again."""
    async with logged_in(saying(CREATED + OTHER), pool_size=1) as (api, server):
        for _ in range(2):
            created = await api.create(SMALL)
            assert isinstance(created, Succeeded)
            assert created.customer_id == "2801"
        assert (server.created, server.connections) == (2, 3)
