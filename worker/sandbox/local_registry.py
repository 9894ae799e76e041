"""A real schema registry on this machine: Apicurio, in memory, which ends with the process that started it."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Self

import aiohttp

from worker.model.errors import LocalRegistryError
from worker.sandbox.kafka_jars import Patience
from worker.sandbox.kafka_packages import fetch, jars_root, java
from worker.sandbox.kafka_probe import free_port
from worker.sandbox.kafka_process import GuardedProcess
from worker.sandbox.kafka_properties import HOST
from worker.sandbox.registry_archive import REGISTRY, START, kept_registry

FETCH_WITHIN: Final = 600
READY_WITHIN: Final = 120
LAST_LINES: Final = 8
JVM_OPTIONS: Final = (
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    f"-Dquarkus.http.host={HOST}",
    f"-Dquarkus.management.host={HOST}",
    "-Dquarkus.log.level=WARN",
)
"""With these options it takes 3 s to start on two cores that have nothing else to do, and 245 MB of memory."""

Tell = Callable[[str], None]


class LocalRegistry:
    """A schema registry that `async with` starts and ends. Bound to no event loop."""

    def __init__(self, tell: Tell = lambda _: None) -> None:
        self._tell = tell
        self._process: GuardedProcess | None = None
        self._folder: Path | None = None
        self._port = 0

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The value for WORKER_EVENTS__REGISTRY_URL."""
        return f"http://{HOST}:{self._port}/apis/ccompat/v7"

    async def start(self) -> None:
        """Start the registry and return once it answers; LocalRegistryError if it does not."""
        place = await _archive(self._tell)
        self._port = free_port()
        self._folder = folder = Path(tempfile.mkdtemp(prefix="customer-worker-registry-"))
        self._tell("starting the schema registry")
        ports = [f"-Dquarkus.http.port={self._port}", f"-Dquarkus.management.port={free_port()}"]
        command: list[str | Path] = [java(), *JVM_OPTIONS, *ports, f"-Djava.io.tmpdir={folder}", "-jar", place / START]
        self._process = GuardedProcess(command, folder / "registry.log", remove=folder, folder=place)
        deadline = time.monotonic() + READY_WITHIN
        while not await self._answers():
            if self._process.status() is not None or time.monotonic() > deadline:
                raise LocalRegistryError(f"the schema registry did not start; its last lines:\n{self._last_lines()}")
            await asyncio.sleep(0.1)

    def close(self) -> None:
        """End the registry; all its schemas are lost."""
        if self._process:
            self._process.end_now()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    async def register(
        self, subject: str, schema: str, schema_type: str = "AVRO", references: Sequence[dict[str, Any]] = ()
    ) -> int:
        """Register the schema under the subject and return its schema id; LocalRegistryError if it is refused."""
        content = {"schema": schema, "schemaType": schema_type, "references": list(references)}
        async with aiohttp.request("POST", f"{self.url}/subjects/{subject}/versions", json=content) as answer:
            if answer.status != 200:
                raise LocalRegistryError(f"the schema registry takes no {schema_type} for {subject}: {answer.status}")
            return int((await answer.json())["id"])

    async def _answers(self) -> bool:
        try:
            async with aiohttp.request("GET", f"{self.url}/subjects") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    def _last_lines(self) -> str:
        log = self._folder / "registry.log" if self._folder else None
        lines = log.read_text("utf-8", "replace").splitlines() if log and log.exists() else []
        return "\n".join([line for line in lines if not line.startswith("\t")][-LAST_LINES:])


async def _archive(tell: Tell) -> Path:
    """The folder of the unpacked registry, fetched if need be; cancelling the call ends the fetching too."""
    java()
    patience = Patience(FETCH_WITHIN, REGISTRY)
    try:
        return await asyncio.to_thread(kept_registry, jars_root(), fetch, tell, patience)
    finally:
        patience.given_up.set()
