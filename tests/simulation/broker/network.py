"""Connections to the brokers: requests in their order, delayed, lost, cut; in the place of aiokafka's own."""

import asyncio
from collections.abc import Callable
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from random import Random
from typing import Any

from aiokafka.conn import CloseReason
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.api import RequestStruct
from aiokafka.util import wait_for

from simulation.loop import HERE, OUTSIDE, Machine

from .answers import VERSIONS, answer
from .cluster import Cluster

WIRE = 0.001
"""Seconds that a message is on its way, at most, when all is well."""
SUPPORTED = {key: (0, newest) for key, newest in VERSIONS.items()}


@dataclass(eq=False)
class Network:
    """Who reaches whom. `lossy`: the share of requests and answers that never arrive, since the connection breaks."""

    cluster: Cluster
    random: Random
    lossy: float = 0.0
    slow: float = 0.0
    blocked: set[tuple[Machine, int]] = field(default_factory=set)
    """Which machine reaches which node no more."""
    connections: dict["Connection", None] = field(default_factory=dict)

    def delay(self) -> float:
        """How long the next message is on its way."""
        return self.random.random() * (WIRE + self.slow)

    def breaks(self) -> bool:
        """Whether the connection breaks now."""
        return self.lossy > 0 and self.random.random() < self.lossy

    async def connect(self, host: str, port: int, **given: Any) -> "Connection":
        """As aiokafka's `create_conn`."""
        await asyncio.sleep(self.delay())
        node = int(host.rpartition("-")[2]) if host.startswith("broker-") else min(self.cluster.nodes, default=0)
        if node not in self.cluster.nodes:
            raise KafkaConnectionError(f"{host}:{port}: connection refused")
        connection = Connection(
            self, node, host, port, given.get("request_timeout_ms", 40_000) / 1000, given.get("on_close")
        )
        self.connections[connection] = None
        return connection

    def stands_still(self, machine: Machine, node: int) -> bool:
        """Whether nothing comes through, and nobody says why."""
        return node in self.cluster.frozen or (machine, node) in self.blocked

    def cut(self, node: int | None = None) -> None:
        """Break all connections, or those to one node."""
        for each in [each for each in self.connections if node in {None, each.node}]:
            each.broken()


class Connection:
    """One connection of a client: the broker works on one request of it at a time."""

    def __init__(
        self, network: Network, node: int, host: str, port: int, timeout: float, on_close: Callable[..., None] | None
    ) -> None:
        self.network, self.node, self.host, self.port = network, node, host, port
        self._timeout, self._on_close = timeout, on_close
        self._waiting: asyncio.Queue[tuple[RequestStruct, asyncio.Future[Any]]] = asyncio.Queue()
        self._pending: dict[asyncio.Future[Any], None] = {}
        self._open = True
        self._writer = None
        self.machine = HERE.get()
        self._outside: Context = copy_context()
        self._outside.run(HERE.set, OUTSIDE)
        loop = asyncio.get_running_loop()
        self._server = loop.create_task(self._serve(), context=self._outside)

    def connected(self) -> bool:
        """As aiokafka asks."""
        return self._open

    def send(self, request: Any, expect_response: bool = True) -> Any:  # noqa: FBT001, FBT002  as it is there
        """As aiokafka's: the answer, or KafkaConnectionError, or a timeout."""
        del expect_response
        if not self._open:
            raise KafkaConnectionError(f"No connection to broker at {self.host}:{self.port}")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._pending[future] = None
        future.add_done_callback(lambda done: self._pending.pop(done, None))
        self._outside.run(self._waiting.put_nowait, (request.prepare(SUPPORTED), future))
        return wait_for(future, self._timeout)

    def close(self, reason: Any = None, exc: BaseException | None = None) -> asyncio.Future[None]:
        """As aiokafka's."""
        closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        closed.set_result(None)
        if self._open:
            self._open = False
            self.network.connections.pop(self, None)
            self._server.cancel()
            for future in list(self._pending):
                if not future.done():
                    error = KafkaConnectionError(f"Connection at {self.host}:{self.port} closed")
                    error.__cause__ = exc
                    future.set_exception(error)
            if self._on_close:
                self._on_close(self, reason)
        return closed

    def gone(self) -> None:
        """The client's machine died: nobody is there to hear of it."""
        self._open = False
        self.network.connections.pop(self, None)
        self._server.cancel()

    def broken(self) -> None:
        """The client hears of it, on its own machine."""
        context = copy_context()
        context.run(HERE.set, self.machine)
        self.network.connections.pop(self, None)
        asyncio.get_running_loop().call_soon(
            lambda: self.close(CloseReason.CONNECTION_BROKEN, ConnectionResetError()), context=context
        )
        self._server.cancel()

    async def _serve(self) -> None:
        network = self.network
        while True:
            request, future = await self._waiting.get()
            await asyncio.sleep(network.delay())
            if network.breaks():
                return self.broken()
            while network.stands_still(self.machine, self.node):
                await asyncio.sleep(0.05)
            fields = await answer(network.cluster, self.node, request)
            await asyncio.sleep(network.delay())
            if network.breaks():
                return self.broken()
            while network.stands_still(self.machine, self.node):
                await asyncio.sleep(0.05)
            if not future.done():
                future.set_result(request.RESPONSE_TYPE(*fields))
