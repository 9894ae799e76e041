import asyncio
import json
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from mortal import mortal
from patience import PATIENCE, until

from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.kafka.extent import extent
from worker.sandbox.demo.samples import OF_REGISTRY, load_samples
from worker.sandbox.kafka_probe import is_free
from worker.topics import Plan

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc")

PUBLISHING = "publishing 15 sample events"


@asynccontextmanager
async def demo(*options: str, **environment: str) -> AsyncIterator[Process]:
    """`customer-worker demo` as its own process; TMPDIR is given, so that a test sees which files are left behind."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("WORKER_")}
    command = mortal(sys.executable, "-m", "worker", "demo", *options)
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, env=clean | environment)
    try:
        async with asyncio.timeout(PATIENCE):
            yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def said(process: Process, wanted: str) -> str:
    """Read lines until one has that text, and return all of them."""
    assert process.stderr
    lines = []
    async for line in process.stderr:
        lines.append(line.decode())
        if wanted in lines[-1]:
            return "".join(lines)
    raise AssertionError("".join(lines))


async def ended(process: Process) -> tuple[int, str, str]:
    out, said_last = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), said_last.decode()


def parents() -> dict[int, int]:
    """Every living process id, and that of its parent."""
    found = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent = place.read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                found[int(place.parent.name)] = int(parent)
    return found


def below(pid: int) -> dict[int, str]:
    """The command lines of all processes below that one, by process id."""
    of = parents()
    wanted, found = {pid}, set[int]()
    while wanted := {child for child, parent in of.items() if parent in wanted} - found:
        found |= wanted
    lines = {}
    for each in found:
        with suppress(OSError):
            lines[each] = Path(f"/proc/{each}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return lines


def workers_of(process: Process) -> list[int]:
    return [pid for pid, line in below(process.pid).items() if "-m worker run" in line and "guard" not in line]


def sandbox_port(said_so_far: str) -> int:
    found = re.search(r"sandbox API answers on http://127\.0\.0\.1:(\d+)", said_so_far)
    assert found
    return int(found.group(1))


async def until_published(kafka: str, said_so_far: str) -> None:
    """Return once two requests are published: by then the demonstration knows that the first one is."""
    found = re.search(r"made the topics (\S+),", said_so_far)
    assert found
    async with asyncio.timeout(PATIENCE):
        while (await requests_in(kafka, found.group(1))) < 2:
            await asyncio.sleep(0.05)


async def requests_in(kafka: str, topic: str) -> int:
    async with extent(Connection(kafka), topic, range(Plan().partitions)) as found:
        return found.size


def left_in(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


async def topics_there(kafka: str, names: list[str]) -> list[str]:
    async with admin.opened(Connection(kafka)) as client:
        return list((await client.cluster(names)).topics)


def topics_of(document: dict[str, Any]) -> list[str]:
    prefix = document["events"][0]["request"]["topic"].removesuffix(Plan().requests)
    return [f"{prefix}{name}" for _, name in Plan().names()]


async def test_all_events(kafka: str, tmp_path: Path) -> None:
    """Every sample ends as expected, 60 further customers are created, and no topic or file is left behind."""
    given = {"WORKER_KAFKA__BOOTSTRAP_SERVERS": kafka, "TMPDIR": str(tmp_path)}
    async with demo("--json", "--events", "60", **given) as process:
        status, out, lines = await ended(process)
    assert status == 0, lines
    told = json.loads(out)
    assert (told["holds"], told["problems"], told["workerLog"]) == (True, [], None)
    assert [event["event"] for event in told["events"]] == [sample.name for sample in load_samples()]
    assert all(event["asExpected"] for event in told["events"])
    assert (told["more"]["asked"], told["more"]["created"]) == (60, 60)
    assert told["more"]["perSecond"] > 0
    assert await topics_there(kafka, topics_of(told)) == []
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
async def test_ended_midway(sent: signal.Signals, tmp_path: Path) -> None:
    """Interrupted or killed midway, the demonstration ends with all of its processes and files."""
    async with demo(TMPDIR=str(tmp_path)) as process:
        so_far = await said(process, PUBLISHING)
        await until(lambda: bool(workers_of(process)))
        started = below(process.pid)
        assert any("kafka.Kafka" in line for line in started.values())
        process.send_signal(sent)
        status, _, lines = await ended(process)
        assert status == (1 if sent is signal.SIGINT else -signal.SIGKILL)
        assert "Traceback" not in lines
    await until(lambda: not set(started) & set(parents()))
    await until(lambda: not left_in(tmp_path))
    assert is_free(sandbox_port(so_far))


async def test_killed_worker(kafka: str, tmp_path: Path) -> None:
    """The worker is killed: the samples without a result are told as such, and the worker's log is kept."""
    given = {"WORKER_KAFKA__BOOTSTRAP_SERVERS": kafka, "TMPDIR": str(tmp_path)}
    async with demo("--json", **given) as process:
        so_far = await said(process, "the worker runs as a process")
        await until(lambda: bool(workers_of(process)))
        # Stopped first, so that it cannot finish before it is killed.
        os.kill(workers_of(process)[0], signal.SIGSTOP)
        await until_published(kafka, so_far)
        os.kill(workers_of(process)[0], signal.SIGKILL)
        status, out, _ = await ended(process)
    assert status == 1
    told = json.loads(out)
    assert told["problems"][0].startswith("the worker ended by itself with status 137")
    assert any("no result event came" in event["differences"] for event in told["events"])
    log = Path(told["workerLog"])
    assert left_in(tmp_path) == [log.parent.name]
    assert left_in(log.parent) == [log.name]


async def test_left_running(kafka: str, tmp_path: Path) -> None:
    """With `--keep` the addresses it prints answer until it is interrupted, and the table is printed."""
    given = {"WORKER_KAFKA__BOOTSTRAP_SERVERS": kafka, "TMPDIR": str(tmp_path)}
    async with demo("--keep", **given) as process:
        so_far = await said(process, "tail -f ")
        assert f"export WORKER_KAFKA__BOOTSTRAP_SERVERS={kafka}" in so_far
        page = re.search(r"in a browser: (http://\S+/)enter\?token=\S+", so_far)
        assert page, so_far
        async with aiohttp.ClientSession() as http, http.get(f"{page[1]}livez") as answer:
            assert answer.status == 200
        exports = dict(re.findall(r"export (\w+)=(\S+)", so_far))
        check = [sys.executable, "-m", "worker", "check"]
        checked = await asyncio.create_subprocess_exec(*check, stdout=PIPE, env=os.environ | exports)
        seen, _ = await checked.communicate()
        assert checked.returncode == 0, seen.decode()
        started = below(process.pid)
        process.send_signal(signal.SIGTERM)
        status, out, _ = await ended(process)
    assert status == 0
    assert all(sample.name in out for sample in load_samples())
    await until(lambda: not set(started) & set(parents()))
    assert left_in(tmp_path) == []


async def test_events_in_avro(kafka: str, tmp_path: Path) -> None:
    """With `--registry` (events in Avro) every sample ends as expected, and nothing is left behind."""
    given = {"WORKER_KAFKA__BOOTSTRAP_SERVERS": kafka, "TMPDIR": str(tmp_path)}
    async with demo("--json", "--registry", **given) as process:
        status, out, lines = await ended(process)
    assert status == 0, lines
    told = json.loads(out)
    assert [event["event"] for event in told["events"]] == [sample.name for sample in load_samples(OF_REGISTRY)]
    assert (told["holds"], all(event["asExpected"] for event in told["events"])) == (True, True)
    assert left_in(tmp_path) == []


async def test_no_kafka_there(tmp_path: Path) -> None:
    """Without a Kafka at the address one line names the setting; there is no traceback."""
    given = {"WORKER_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1", "TMPDIR": str(tmp_path)}
    async with demo(**given) as process:
        status, out, lines = await ended(process)
    assert (status, out) == (1, "")
    assert "WORKER_KAFKA__BOOTSTRAP_SERVERS" in lines.splitlines()[-1]
    assert "Traceback" not in lines
    assert left_in(tmp_path) == []
