"""The operations port as the worker opens it: it is opened first and closed last."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from worker.background import background
from worker.creation.holds import Holds
from worker.measures import Measures
from worker.ops.metrics import registry_of
from worker.ops.server import ops_port
from worker.ops.state import Identity, State
from worker.ops.watch import Watch
from worker.ops.watchdog import Watchdog


@dataclass(eq=False, slots=True)
class Operations:
    """What the pages are made of; `watch` is given the parts of the worker as they are made."""

    measures: Measures
    watch: Watch
    port: int = 0
    watchdog: Watchdog = field(init=False)
    registry: CollectorRegistry = field(init=False)

    def __post_init__(self) -> None:
        self.watchdog = Watchdog(self.watch.polled, also=self.watch.core.mark)
        self.registry = registry_of(self)

    def loop_lag(self) -> float:
        return self.watchdog.loop_lag()

    def stalled(self) -> str | None:
        return self.watchdog.stalled()

    def not_ready(self) -> list[str]:
        return self.watch.not_ready()

    def state(self) -> State:
        return self.watch.state()


@asynccontextmanager
async def operations(
    holds: Holds, measures: Measures, host: str, port: int, identity: Identity | None = None
) -> AsyncIterator[Operations]:
    """Listen from now on. Raises StartupError where that is not possible."""
    shown = Operations(measures, Watch(holds, identity=identity))
    async with ops_port(shown, host, port) as shown.port:
        with background(shown.watchdog.run(), "watchdog"):
            yield shown
