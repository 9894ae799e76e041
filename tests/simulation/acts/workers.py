"""What becomes of workers in a story."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulation.story import Act, Happening
from simulation.world import Worker
from worker.settings.settings import Settings

from .perform import Acts

if TYPE_CHECKING:
    from simulation.play import Stage

MOST_WORKERS = 6
MAPPING = Path(__file__).parent.with_name("mapping.toml")
"""To workers with this file each event is another source's."""
CHANGES: Mapping[int, Mapping[str, Any]] = {1: {"max_bytes": 100}, 3: {"mapping": MAPPING}}


def _worker(stage: "Stage", what: Happening) -> Worker | None:
    there = [each for each in stage.world.alive() if not each.machine.frozen and not each.stopping.is_set()]
    return there[what.who % len(there)] if there else None


async def _freeze(stage: "Stage", what: Happening) -> None:
    if worker := _worker(stage, what):
        stage.world.loop.freeze(worker.machine)

        def thaw() -> None:
            if what.act is Act.SUSPEND:
                worker.machine.suspended += what.lasts
            worker.machine.wall_ahead += what.size
            stage.world.loop.thaw(worker.machine)

        stage.later(what.lasts, thaw)


async def _kill(stage: "Stage", what: Happening) -> None:
    if worker := _worker(stage, what):
        stage.world.kill(worker)
        stage.begin()


async def _stop(stage: "Stage", what: Happening) -> None:
    if worker := _worker(stage, what):
        stage.replace(worker)


async def _reset(stage: "Stage", what: Happening) -> None:
    """Every second one goes back to the settings that were there before."""
    if worker := _worker(stage, what):
        stage.replace(worker, _changed(stage.settings, CHANGES.get(what.who, {})))


def _changed(settings: Settings, events: Mapping[str, Any]) -> Settings:
    return settings.model_copy(update={"events": settings.events.model_copy(update=events)})


async def _skew(stage: "Stage", what: Happening) -> None:
    if there := stage.world.alive():
        there[what.who % len(there)].machine.wall_ahead += what.size


async def _cut_off(stage: "Stage", what: Happening) -> None:
    if worker := _worker(stage, what):
        way = (worker.machine, stage.world.cluster.coordinator)
        stage.world.network.blocked.add(way)
        stage.later(what.lasts, lambda: stage.world.network.blocked.discard(way))


async def _more(stage: "Stage", _: Happening) -> None:
    if len(stage.world.alive()) < MOST_WORKERS:
        stage.begin()


async def _less(stage: "Stage", what: Happening) -> None:
    """As long as another one goes on."""
    worker, there = _worker(stage, what), stage.world.alive()
    if worker and any(each is not worker and not each.doomed and not each.stopping.is_set() for each in there):
        worker.stopping.set()


async def _twin(stage: "Stage", what: Happening) -> None:
    """As where a pod is deleted by force: its node may run it on for a while."""
    if worker := _worker(stage, what):
        worker.doomed = True
        stage.begin(name=worker.name)
        stage.later(what.lasts, lambda: stage.world.kill(worker))


ACTS: Acts = {
    Act.TWIN: _twin,
    Act.FREEZE: _freeze,
    Act.SUSPEND: _freeze,
    Act.KILL: _kill,
    Act.STOP: _stop,
    Act.SKEW: _skew,
    Act.RESET: _reset,
    Act.CUT_OFF: _cut_off,
    Act.MORE: _more,
    Act.LESS: _less,
}
