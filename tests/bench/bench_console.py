"""What the console takes over a hundred thousand dead letters. Printed, never asserted.

python tests/bench/bench_console.py [LETTERS]

On a Kafka of its own on this machine, or on the one that WORKER_TEST_KAFKA names.
"""

import asyncio
import os
import re
import sys
import time
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import uuid4

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from console_visitor import TOKEN, Shown, Visitor, visiting
from letters_on_kafka import LetterTopics
from mortal import mortal

from worker.model.outcomes import ReasonCode
from worker.sandbox.local_kafka import LocalKafka

LETTERS = 100_000
AIMS = {"first page": "0.5 s", "all indexed": "20 s", "largest memory": "150 MiB"}
CODES = [code for code in ReasonCode if code is not ReasonCode.OUTCOME_UNKNOWN]
PORT = 18_081
KNOWN = re.compile(r"([0-9\s]+) of ([0-9\s]+) dead letters?")


def say(what: str, value: float, unit: str, aim: str = "") -> None:
    print(f"{what:44} {value:12,.2f} {unit:4} {f'(aim: {aim})' if aim else ''}", flush=True)  # noqa: T201  a report


def known(shown: Shown) -> tuple[int, int]:
    """(letters that are known, letters that there are)."""
    found = KNOWN.search(shown.plain)
    if shown.status != 200 or found is None:
        return 0, 1
    return int("".join(found[1].split())), int("".join(found[2].split()))


async def until_known(visitor: Visitor, all_of_it: bool) -> None:  # noqa: FBT001  two cases of one wait
    while True:
        with suppress(OSError):
            now, total = known(await visitor.open("/letters"))
            if now and (now == total or not all_of_it):
                return
        await asyncio.sleep(0.02)


@asynccontextmanager
async def console(topics: LetterTopics):
    """Its process, from when it listens."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WORKER_")}
    given = {
        "WORKER_CONSOLE__TOKEN": TOKEN.secret,
        "WORKER_CONSOLE__PORT": str(PORT),
        "WORKER_CONSOLE__RIGHTS": "replay",
    }
    process = await asyncio.create_subprocess_exec(
        *mortal(sys.executable, "-m", "worker", "console"),
        stdout=asyncio.subprocess.PIPE,
        env={**inherited, **topics.environment, **given},
    )
    assert process.stdout
    while b"console: http" not in await process.stdout.readline():
        pass
    drain = asyncio.create_task(process.stdout.read())
    try:
        yield process
    finally:
        process.terminate()
        await process.wait()
        await drain


async def bench(count: int) -> None:
    async with LocalKafka() as kafka:
        topics = LetterTopics(
            os.environ.get("WORKER_TEST_KAFKA") or kafka.bootstrap_servers, f"bench-{uuid4().hex[:8]}"
        )
        await topics.create()
        started = time.perf_counter()
        requests, letters = zip(
            *(topics.failed(number, CODES[number % len(CODES)]) for number in range(count)), strict=True
        )
        await topics.batches(topics.plan.requests, requests)
        await topics.batches(topics.plan.dead_letters, letters)
        say(f"{count:,} letters published in", time.perf_counter() - started, "s")
        async with (
            console(topics) as process,
            visiting(f"http://127.0.0.1:{PORT}/", f"customer-worker-{PORT}") as visitor,
        ):
            await measure(visitor, psutil.Process(process.pid))


async def measure(visitor: Visitor, process: psutil.Process) -> None:
    started = time.perf_counter()
    await until_known(visitor, all_of_it=False)
    say("first page after", time.perf_counter() - started, "s", AIMS["first page"])
    await until_known(visitor, all_of_it=True)
    say("all indexed after", time.perf_counter() - started, "s", AIMS["all indexed"])
    spent = process.cpu_times()
    say("until then on the processor, its start included", spent.user + spent.system, "s")
    for address in ("/letters", "/letters?reason=rejected", "/letters?event=e-3", "/letters?since=2h&status=400"):
        await visitor.open(address)
        started = time.perf_counter()
        await visitor.open(address)
        say(f"again: {address}", time.perf_counter() - started, "s")
    plan = await visitor.send((await visitor.open("/letters")).form("Plan a replay"))
    while "would be replayed" not in (await visitor.open(plan.address)).plain:
        await asyncio.sleep(0.05)
    say("all of them planned after", time.perf_counter() - started, "s")
    spent = process.cpu_times()
    say("all of that on the processor", spent.user + spent.system, "s")
    memory = process.memory_full_info()
    say("memory", memory.rss / 1024 / 1024, "MiB")
    say("largest memory", _peak(process.pid), "MiB", AIMS["largest memory"])


def _peak(pid: int) -> float:
    told = re.search(r"VmHWM:\s+([0-9]+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(told[1]) / 1024 if told else 0.0


if __name__ == "__main__":
    asyncio.run(bench(int(sys.argv[1]) if len(sys.argv) > 1 else LETTERS))
