"""Strikes workers, Kafka and the API as a schedule says."""

import asyncio
import time
from dataclasses import dataclass, field

from chaos.api_troubles import FAULTS, api_trouble
from chaos.facts import Strike
from chaos.faults.every import EVERY
from chaos.faults.fault import Fault
from chaos.scene import Scene
from chaos.troubles import OF_BROKER, Step, Trouble

LEAVES_DOUBT = frozenset({Trouble.KILL, Trouble.TERM_TWICE, Trouble.NAP, Trouble.FREEZE, Trouble.REFUSE}) | OF_BROKER
"""A clean stop and another number of workers leave none (docs: design, stopping and rebalancing)."""
AFTERWARDS = 1.0
"""Seconds in which a strike may still show."""
UNCLEAN_FOR = 10.0
"""Seconds after Kafka is back in which a stop may still leave something in flight."""


@dataclass(slots=True)
class Striking:
    """Steps may overlap; only the gate and Kafka are struck one step after the other."""

    scene: Scene
    strikes: list[Strike] = field(default_factory=list)
    _gate: asyncio.Lock = field(default_factory=asyncio.Lock)
    _broker: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def strike(self, step: Step) -> None:
        """Wait for its moment, and do it to the end."""
        await self.scene.until_published(step.after)
        began = time.time()
        await self._strike(step)
        if step.trouble in LEAVES_DOUBT:
            self.strikes.append(Strike(str(step), began, time.time() + AFTERWARDS))

    async def _strike(self, step: Step) -> None:
        match step.trouble:
            case Trouble.SCALE:
                self.scene.fleet.scale(step.number)
            case Trouble.REFUSE:
                async with self._gate:
                    await self._shut(step.seconds)
            case trouble if trouble in FAULTS:
                await api_trouble(trouble, step.seconds, self.scene.sandbox)
            case trouble if trouble in EVERY:
                await self._strike_as(EVERY[trouble], step)
            case trouble if trouble in OF_BROKER:
                async with self._broker:
                    await self._strike_broker(step)
            case _:
                await self._strike_worker(step)

    async def _strike_as(self, fault: Fault, step: Step) -> None:
        """One at a time with what is done to the broker, where the fault needs it."""
        if not fault.of_kafka:
            await fault.strike(self.scene, step)
            return
        async with self._broker:
            await fault.strike(self.scene, step)

    async def _shut(self, seconds: float) -> None:
        await self.scene.gate.shut()
        await asyncio.sleep(seconds)
        await self.scene.gate.open()

    async def _strike_broker(self, step: Step) -> None:
        kafka, fleet = self.scene.broker, self.scene.fleet
        assert kafka is not None, "this Kafka is somebody else's too"
        fleet.unclean_stops_until = float("inf")
        match step.trouble:
            case Trouble.BROKER_FREEZE:
                await kafka.freeze()
                await asyncio.sleep(step.seconds)
                kafka.thaw()
            case _:
                await (kafka.kill() if step.trouble is Trouble.BROKER_KILL else kafka.stop())
                await asyncio.sleep(step.seconds)
                await kafka.start()
        fleet.unclean_stops_until = time.time() + UNCLEAN_FOR

    async def _strike_worker(self, step: Step) -> None:
        """Nothing happens where that worker does not run just now."""
        life = self.scene.fleet.one(step.number, step.seconds)
        if life is None:
            return
        match step.trouble:
            case Trouble.KILL:
                life.kill()
            case Trouble.TERM:
                life.stop()
            case Trouble.TERM_TWICE:
                life.stop()
                await asyncio.sleep(step.seconds)
                life.stop()
            case _:
                life.freeze()
                await asyncio.sleep(step.seconds)
                life.thaw()
