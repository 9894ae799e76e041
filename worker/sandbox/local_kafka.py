"""A real Apache Kafka on this machine: one node with ports of its own, which ends with the process that started it."""

import asyncio
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from worker.model.errors import LocalKafkaError
from worker.sandbox.kafka_directory import KafkaDirectory, new_cluster
from worker.sandbox.kafka_jars import Patience, kept_jars
from worker.sandbox.kafka_packages import fetch, jars_root, java
from worker.sandbox.kafka_probe import cluster_id, free_port, is_free
from worker.sandbox.kafka_process import GuardedProcess
from worker.sandbox.kafka_properties import HOST, host_of, server_properties

FETCH_WITHIN = 600
"""Seconds for all jars, including the wait for another process that fetches them."""
FORMAT_WITHIN = 60
STOP_WITHIN = 15
FROZEN_WITHIN = 15
START_ATTEMPTS = 3
"""Another program may take a free port between our look and Kafka's start."""


class LocalKafka:
    """A Kafka that `async with` starts and ends. In between it can be stopped, killed, frozen and started again.

    Ports and data stay the same from one start to the next. Without `data` the data are in a temporary directory, which
    is removed at the end, even when this process is killed. `listeners` maps further listeners to their protocol, such
    as `{"SASLP": "SASL_PLAINTEXT"}`. `properties` are the broker's and override the others. `format_options` go to the
    storage tool, which can create SCRAM users. `tell` gets one line per step that takes a while. Bound to no event
    loop.
    """

    def __init__(  # noqa: PLR0913  each is a fact of one broker, and all have a default
        self,
        *,
        port: int | None = None,
        data: Path | None = None,
        listeners: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        format_options: Sequence[str] = (),
        ready_within: float = 120,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._named_port = port
        self._named_data = data
        self._protocols = {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT", **(listeners or {})}
        self._properties = dict(properties or {})
        self._format_options = list(format_options)
        self._ready_within = ready_within
        self._tell = tell
        self._class_path = ""
        self._ports: dict[str, int] = {}
        self._files: KafkaDirectory | None = None
        self._process: GuardedProcess | None = None

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def bootstrap_servers(self) -> str:
        """The value for WORKER_KAFKA__BOOTSTRAP_SERVERS."""
        return self.address("PLAINTEXT")

    @property
    def directory(self) -> Path:
        """The directory of properties, logs and data; valid once Kafka was started."""
        return self._opened().path

    @property
    def is_running(self) -> bool:
        """Whether the process runs; True while it is frozen, too."""
        return self._process is not None and self._process.status() is None

    def address(self, listener: str) -> str:
        """Host and port of a listener."""
        return f"{host_of(self._protocols[listener])}:{self._ports[listener]}"

    async def start(self) -> None:
        """Start Kafka and return once it answers; without effect while it runs.

        The first start chooses the ports, and later ones use them again. LocalKafkaError if it cannot be started.
        """
        if self.is_running:
            return
        self._class_path = self._class_path or await class_path(self._tell)
        files = self._opened()
        known = self._ports
        for _ in range(START_ATTEMPTS):
            self._ports = known or self._chosen_ports()
            self._refuse_taken()
            files.configure(server_properties(self._ports, self._protocols, self._properties))
            if not files.is_formatted:
                await self._format(files)
            if await self._answers(files):
                return
        raise LocalKafkaError(f"others were faster to take the ports {sorted(self._ports.values())}")

    async def stop(self) -> None:
        """Stop Kafka cleanly (SIGTERM), or kill it (SIGKILL) when that takes longer than STOP_WITHIN seconds."""
        self.thaw()
        self._send(signal.SIGTERM)
        if self._process and await self._process.ended(within=STOP_WITHIN) is None:
            await self._process.kill()

    async def kill(self) -> None:
        """Kill Kafka (SIGKILL), as in a crash."""
        if self._process:
            await self._process.kill()

    async def freeze(self) -> None:
        """Suspend the process (SIGSTOP): once this returns nothing answers, and connections stay open."""
        if self._process:
            await self._process.freeze(within=FROZEN_WITHIN)

    def thaw(self) -> None:
        """Let a frozen process go on (SIGCONT)."""
        self._send(signal.SIGCONT)

    async def close(self) -> None:
        """End Kafka; a temporary directory is removed, and data in a named one are left in good order."""
        if self._files is None:
            return
        await (self.kill() if self._files.temporary else self.stop())
        await asyncio.to_thread(self._files.give_up)

    def _send(self, sent: signal.Signals) -> None:
        if self._process:
            self._process.send(sent)

    def _opened(self) -> KafkaDirectory:
        self._files = self._files or KafkaDirectory.opened(self._named_data)
        return self._files

    def _chosen_ports(self) -> dict[str, int]:
        ports = {"PLAINTEXT": self._named_port} if self._named_port else {}
        for name in self._protocols:
            if name not in ports:
                ports[name] = free_port(besides=ports.values())
        return ports

    def _refuse_taken(self) -> None:
        for port in self._ports.values():
            if not is_free(port):
                raise LocalKafkaError(f"port {port} on {HOST} is taken: end what uses it, or name another port")

    async def _format(self, files: KafkaDirectory) -> None:
        self._tell("formatting Kafka's storage")
        where = ["--config", str(files.properties), "--cluster-id", new_cluster()]
        program = ["kafka.tools.StorageTool", "format", *where, *self._format_options]
        self._process = files.run(self._class_path, *program)
        if await self._process.ended(within=FORMAT_WITHIN) != 0:
            await self._process.kill()
            raise LocalKafkaError(f"Kafka's storage could not be formatted; the last lines:\n{files.last_lines()}")

    async def _answers(self, files: KafkaDirectory) -> bool:
        """Start the broker and wait until it answers; return False when one of its ports was taken meanwhile.

        LocalKafkaError if it ends for another reason, or does not answer in time.
        """
        self._tell("starting Kafka")
        self._process = files.run(self._class_path, "kafka.Kafka", str(files.properties))
        cluster = files.cluster()
        deadline = time.monotonic() + self._ready_within
        while self.is_running and time.monotonic() < deadline:
            # Somebody else's broker may answer on a port that was taken meanwhile.
            if await cluster_id(self._ports["PLAINTEXT"]) == cluster:
                return True
            await asyncio.sleep(0.05)
        what = f"did not answer within {self._ready_within:g} s" if self.is_running else "ended while it started"
        await self.kill()
        last_lines = files.last_lines()
        if "Address already in use" in last_lines:
            return False
        raise LocalKafkaError(f"Kafka {what}; its last lines:\n{last_lines}")


async def class_path(tell: Callable[[str], None] = lambda _: None) -> str:
    """The class path of Kafka's jars, fetched if need be; cancelling the call ends the fetching too."""
    java()
    patience = Patience(FETCH_WITHIN)
    try:
        return ":".join(map(str, await asyncio.to_thread(kept_jars, jars_root(), fetch, tell, patience)))
    finally:
        patience.given_up.set()
