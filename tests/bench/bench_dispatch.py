"""Events a second through the whole worker against in-flight ÷ latency: `python tests/bench/bench_dispatch.py`."""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import orjson
from aiokafka import AIOKafkaProducer
from rich.console import Console
from rich.table import Table

from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.sandbox.api import DEFAULT_PASSWORD, DEFAULT_USER
from worker.sandbox.local_kafka import LocalKafka
from worker.topics import Plan, create

IN_FLIGHT = 64
PARTITIONS = 6


@dataclass(frozen=True)
class Case:
    """`keys` distinct keys, one of them hot with that share of the events; `latency` is the API's, in seconds."""

    name: str
    latency: float
    keys: int
    events: int
    workers: int = 1
    hot: float = 0.0
    backlog: int = 0

    @property
    def ideal(self) -> float | None:
        """Events a second: as many at once as keys and slots allow, each for one latency."""
        if not self.latency:
            return None
        by_keys = min(self.keys, IN_FLIGHT * self.workers) / self.latency
        return min(by_keys, 1 / self.latency / self.hot) if self.hot else by_keys


CASES = (
    Case("no latency", 0, 100_000, 6000),
    Case("5 ms", 0.005, 100_000, 6000),
    Case("20 ms", 0.02, 100_000, 6000),
    Case("50 ms", 0.05, 100_000, 6000),
    Case("20 ms, 1000 keys", 0.02, 1000, 6000),
    Case("20 ms, 10 keys", 0.02, 10, 2000),
    Case("20 ms, 1 key", 0.02, 1, 300),
    Case("20 ms, half of it one key", 0.02, 100_000, 1000, hot=0.5),
    Case("50 ms, two workers", 0.05, 100_000, 6000, workers=2),
)


def event(case: Case, number: int) -> tuple[bytes, bytes]:
    """(key, value) of one event."""
    hot = case.hot and number % round(1 / case.hot) == 0
    person = {"firstName": f"name {number}", "lastName": "x" * 100, "jobTitle": "y" * 200}
    data = {"type": {"value": "individual"}, "contactPersons": {"contactPerson": [person]}}
    attributes = {"specversion": "1.0", "id": f"{number}", "source": "bench", "type": "customer.create.requested.v1"}
    return b"hot" if hot else b"%d" % (number % case.keys), orjson.dumps({**attributes, "data": data})


async def command(environment: dict[str, str], *arguments: str, output: Path) -> asyncio.subprocess.Process:
    """One of our commands as its own process."""
    with output.open("wb") as file:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "worker", *arguments, env={**os.environ, **environment}, stdout=file, stderr=file
        )


async def measured(case: Case, kafka: str, folder: Path) -> float:
    """Events a second between the first and the last record that was finished."""
    run = uuid4().hex[:8]
    plan = Plan(f"{run}.in", f"{run}.ok", f"{run}.failed", f"{run}.dead", f"{run}.journal", partitions=PARTITIONS)
    async with admin.opened(Connection(kafka)) as client:
        await create(client, plan)
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        for number in range(case.events):
            key, value = event(case, number)
            await producer.send(plan.requests, value, key)
        await producer.flush()
    port, faults = 18_000 + int(run[:3], 16), folder / f"{run}.toml"
    faults.write_text(
        f'[[faults]]\nkind = "delay_after"\nseconds = {case.latency}\n' if case.latency else "faults = []\n"
    )
    environment = {
        "WORKER_KAFKA__BOOTSTRAP_SERVERS": kafka,
        "WORKER_KAFKA__GROUP_ID": run,
        "WORKER_API__BASE_URL": f"http://127.0.0.1:{port}",
        "WORKER_API__USERNAME": DEFAULT_USER,
        "WORKER_API__PASSWORD": DEFAULT_PASSWORD,
        "WORKER_DISPATCH__MAX_IN_FLIGHT": str(IN_FLIGHT),
        "WORKER_LOG__FORMAT": "json",
        **dict(plan.names()),
    }
    sandbox = await command(
        {}, "sandbox", "--port", str(port), "--faults", str(faults), "--quiet", output=folder / "sandbox"
    )
    await asyncio.sleep(1.5)
    logs = [folder / f"{run}-{number}" for number in range(case.workers)]
    workers = [await command(environment, "run", output=log) for log in logs]
    try:
        times = await finished(logs, case.events)
    finally:
        for process in (*workers, sandbox):
            process.terminate()
        await asyncio.gather(*(process.wait() for process in (*workers, sandbox)))
    return (len(times) - 1) / (times[-1] - times[0])


async def finished(logs: list[Path], count: int) -> list[float]:
    """The moments at which records were finished, once there are that many."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        lines = [line for log in logs for line in log.read_bytes().splitlines() if b'"record.finished"' in line]
        if len(lines) >= count:
            return sorted(moment(orjson.loads(line)["timestamp"]) for line in lines)
        await asyncio.sleep(0.5)
    raise SystemExit(f"only {len(lines)} of {count} records were finished; see {logs[0].parent}")


def moment(text: str) -> float:
    """Seconds since midnight."""
    hours, minutes, seconds = text[11:].rstrip("Z").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


async def main() -> None:
    """All cases, or those whose name contains the argument."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="?", default="")
    wanted = parser.parse_args().name
    table = Table("case", "events/s", "in flight ÷ latency", "ratio")
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    async with LocalKafka() as kafka:
        for case in (case for case in CASES if wanted in case.name):
            rate = await measured(case, kafka.bootstrap_servers, folder)
            ideal = f"{case.ideal:.0f}" if case.ideal else ""
            table.add_row(case.name, f"{rate:.0f}", ideal, f"{rate / case.ideal:.2f}" if case.ideal else "")
    Console().print(table)


if __name__ == "__main__":
    asyncio.run(main())
