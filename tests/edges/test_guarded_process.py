"""A program under its guard: what is true once a call returns."""

import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from patience import PATIENCE, until
from thread_states import thread_states

from worker.model.errors import LocalKafkaError
from worker.sandbox.kafka_process import GuardedProcess

TIMES = 20
BUSY = """
import threading
def count():
    while True: sum(range(1000))
for _ in range(20):
    threading.Thread(target=count).start()
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what each thread does")


@pytest.fixture
async def busy(tmp_path: Path) -> AsyncIterator[GuardedProcess]:
    """A program whose twenty threads never rest."""
    process = GuardedProcess([sys.executable, "-c", BUSY], tmp_path / "log")
    yield process
    await process.kill()


def program_of(process: GuardedProcess) -> psutil.Process:
    return psutil.Process(process.pid).children()[0]


def states(process: GuardedProcess) -> set[str]:
    return thread_states(program_of(process).pid)


async def running(process: GuardedProcess) -> None:
    """Return once each of its threads was begun."""
    await until(lambda: bool(psutil.Process(process.pid).children()) and program_of(process).num_threads() > 20)


async def test_a_frozen_program_stands_still(busy: GuardedProcess) -> None:
    """Once `freeze` returns no thread of the program runs, however busy the machine is; also where it was frozen."""
    await running(busy)
    for _ in range(TIMES):
        await busy.freeze(within=PATIENCE)
        assert states(busy) == {"T"}
        await busy.freeze(within=PATIENCE)
        busy.send(signal.SIGCONT)
        await until(lambda: "T" not in states(busy))


async def test_a_program_that_has_ended_is_not_frozen(busy: GuardedProcess) -> None:
    """Nothing waits for a program that is gone."""
    await running(busy)
    await busy.kill()
    await busy.freeze(within=PATIENCE)
    assert busy.status() == 128 + signal.SIGKILL


async def test_a_freeze_that_nobody_answers(busy: GuardedProcess) -> None:
    """A guard that says nothing is an error, not a wait without an end."""
    await running(busy)
    os.kill(busy.pid, signal.SIGSTOP)
    with pytest.raises(LocalKafkaError, match="it was told to stop"):
        await busy.freeze(within=0.2)
    os.kill(busy.pid, signal.SIGCONT)
