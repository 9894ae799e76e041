"""A look at everything every few seconds."""

import asyncio
from typing import Final

import psutil
from bench.machine import use
from bench.soaking.api import Counted
from bench.soaking.curves import Sample
from bench.soaking.soak import Soak

from worker.kafka import admin

SAMPLES: Final = 1_000


async def watch(soak: Soak) -> None:
    """A sample every few seconds, until it is cancelled."""
    every = max(1.0, soak.day.seconds / SAMPLES)
    async with admin.opened(soak.connection, 5.0) as client:
        while True:
            shared = use()
            soak.samples.append(await _sample(soak, client))
            await asyncio.sleep(every)
            soak.machine.saw(shared, use())


async def _sample(soak: Soak, client: admin.Admin) -> Sample:
    committed = await soak.committed(client)
    counted = {each.name.lower(): soak.double.shared[each] for each in Counted if each is not Counted.BEGAN}
    return Sample(soak.passed, soak.stored, committed, soak.double.creates, _rss(soak), counted)


def _rss(soak: Soak) -> dict[tuple[int, int], float]:
    found = {}
    for number, life in soak.fleet.at_work.items():
        if life.process.returncode is None and not life.stopping:
            try:
                rss = psutil.Process(life.process.pid).memory_info().rss
            except psutil.NoSuchProcess:
                continue
            found[number, soak.fleet.lives.index(life)] = rss / 2**20
    return found
