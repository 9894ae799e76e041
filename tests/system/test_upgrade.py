"""Workers are replaced by the new version one at a time under load, and back: nothing is lost, repeated or unknown."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from earlier import COMMIT
from judging import numbered

ROOT = Path(__file__).parents[2]
WORKERS = 2
KEYS = 30
BETWEEN = 20
WITHIN = 100


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the version before, from the git history; it runs with the libraries of this one."""
    archive = subprocess.run(["git", "archive", COMMIT, "worker"], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode:
        pytest.skip(
            f"the history here does not go back to {COMMIT[:7]}: tests/unit/test_earlier.py has its reader alone"
        )
    folder = tmp_path_factory.mktemp("before")
    subprocess.run(["tar", "x", "-C", str(folder)], input=archive.stdout, check=True)
    return folder


class Fleet:
    """Workers of both versions on one journal, and a load that goes on until it is cancelled."""

    def __init__(self, world, sandbox, before):
        self.world, self.sandbox, self.before = world, sandbox, before
        self.workers, self.published, self.loading = [], 0, None

    async def start(self, *, new):
        """Start a worker of the new or the old version, and wait until it handles signals."""
        folder = ROOT if new else self.before
        worker = await self.world.start(PYTHONPATH=str(folder), cwd=folder)
        await worker.until("worker.started")
        self.workers.append(worker)

    async def load(self):
        while True:
            number = self.published
            await self.world.publish(numbered(number), key=b"%d" % (number % KEYS), partition=number % KEYS % 2)
            self.published += 1

    async def goes_on(self):
        """Return once some more customers are created."""
        wanted = self.sandbox.ledger.created + BETWEEN
        async with asyncio.timeout(WITHIN):
            while self.sandbox.ledger.created < wanted:
                await asyncio.sleep(0.02)

    async def committed(self):
        """Return once each partition has a committed offset.

        The old version commits none at its start: killed then, it leaves what only a person can decide.
        """
        async with asyncio.timeout(WITHIN):
            while None in (await self.world.committed()).values():
                await asyncio.sleep(0.1)

    async def all_ended(self):
        """Return once every published event has its customer; the last may have been published at the cancellation."""
        wanted = {f"e{number}" for number in range(self.published)}
        async with asyncio.timeout(WITHIN):
            while wanted - {
                each["data"]["request"]["id"] for each in await self.world.events(self.world.plan.succeeded)
            }:
                await asyncio.sleep(0.5)

    async def replace_each(self, *, new, number=signal.SIGTERM):
        """Replace one worker after the other, each once more customers are created."""
        for _ in range(WORKERS):
            await self.goes_on()
            worker = self.workers.pop(0)
            code = await worker.stop(number)
            assert (code == 0) == (number == signal.SIGTERM), worker.last_lines()
            await self.start(new=new)
        await self.goes_on()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_there_and_back(world, before, number):
    """By SIGTERM or SIGKILL: each event has one customer and one result, and `verify` holds."""
    world.hurry(look_up=True)
    await world.topics()
    sandbox = await world.sandbox({"kind": "delay_after", "seconds": 0.02})
    fleet = Fleet(world, sandbox, before)
    for _ in range(WORKERS):
        await fleet.start(new=False)
    loading = asyncio.create_task(fleet.load())
    await fleet.committed()
    await fleet.replace_each(new=True, number=number)
    await fleet.replace_each(new=False, number=number)
    loading.cancel()
    await fleet.all_ended()
    assert [await worker.stop() for worker in fleet.workers] == [0] * WORKERS
    assert not [line for worker in fleet.workers for line in worker.of("journal.restore_failed")]
    assert await world.events(world.plan.failed) == []
    assert sandbox.ledger.duplicates == {}
    verify = await world.start("verify")
    assert await verify.ended() == 0, verify.text


@pytest.mark.timeout(300)
async def test_doubts_are_handed_on(world, before):
    """A doubt that one version left is known to the other, in both directions: three repeats, and one POST in all."""
    world.hurry()
    await world.topics()
    sandbox = await world.sandbox({"kind": "reply_lost", "times": 1})
    fleet = Fleet(world, sandbox, before)
    for new in (False, True, False):
        await fleet.start(new=new)
        await world.publish(numbered(1), key=b"1")
        worker = fleet.workers.pop()
        await worker.until("record.finished")
        assert await worker.stop() == 0
    ends = [each["data"]["reason"]["code"] for each in await world.events(world.plan.failed, 3)]
    assert ends == ["outcome_unknown"] * 3
    assert (sandbox.ledger.created, sandbox.ledger.duplicates) == (1, {})


def test_where_it_comes_from(before):
    """The folder's own modules are imported, not those of this version."""
    asked = (
        "import worker.entries as e, pathlib; print(pathlib.Path(e.__file__).parents[1], hasattr(e, 'encode_headers'))"
    )
    environment = {**os.environ, "PYTHONPATH": str(before)}
    told = subprocess.run([sys.executable, "-c", asked], cwd=before, env=environment, capture_output=True, check=True)
    assert told.stdout.decode().split() == [str(before), "False"]
