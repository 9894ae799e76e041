"""Nothing is unbounded while a story goes on, and nothing is held, taken or waited for when it is over."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from finding import Finding

from worker.ops.watch import Consumption

if TYPE_CHECKING:
    from .play import Stage
    from .world import Worker


def within_bounds(stage: "Stage") -> Iterator[Finding]:
    """No worker had more calls on their way than it may."""
    for machine, most in stage.world.api.most_at_once.items():
        if most > stage.story.in_flight:
            yield Finding("unbounded", f"{machine.name} had {most} POSTs on their way, {stage.story.in_flight} may be")


def at_rest(stage: "Stage") -> Iterator[Finding]:
    """When nothing is left to do."""
    for worker in stage.world.alive():
        name, consumption = worker.machine.name, worker.watch.consumption
        if holds := worker.holds.details():
            yield Finding("hold", f"{name} still holds: {', '.join(hold.reason for hold in holds)}")
        if worker.task.done():
            yield Finding("process", f"{name} ended: {worker.task.exception()!r}")
        elif not consumption:
            yield Finding("at rest", f"{name} has not joined yet")
        else:
            for each in (*_taken(consumption, stage.story.in_flight), *_remembered(consumption, worker)):
                yield Finding("at rest", f"{name}: {each}")


def _taken(consumption: Consumption, calls: int) -> Iterator[str]:
    """What was to be given back."""
    if left := consumption.dispatch.in_flight():
        yield f"{left} records are in flight"
    slots = consumption.dispatch._slots
    if slots._free != slots.limit:
        yield f"{slots.limit - slots._free} slots are taken"
    if slots._beyond != 4 * calls:
        yield f"{4 * calls - slots._beyond} records are beyond the slots"
    free = consumption.limit.calls._value + consumption.limit.calls._kept
    if free != calls:
        yield f"{calls - free} calls are taken"


def _remembered(consumption: Consumption, worker: "Worker") -> Iterator[str]:
    """What was to be forgotten with the record that it was for."""
    holds = worker.holds
    pipeline: Any = consumption.dispatch._process.__self__  # type: ignore[attr-defined]  # the pipeline's method
    sizes = {
        "records wait for a slot": len(consumption.dispatch._slots._waiting),
        "records wait for a permission": holds._at_gate,
        "records count as failing": len(holds._breaker.failing),
        "dead letters wait for their failed event": len(pipeline.letters),
    }
    for partition in consumption.dispatch._open.values():
        sizes |= {
            f"lanes are there in partition {partition.assignment.partition}": len(partition.lanes.queues),
            f"bytes are queued in partition {partition.assignment.partition}": partition.lanes.queued_bytes,
            f"events are locked in partition {partition.assignment.partition}": len(
                partition.assignment._locks._waiting
            ),
            f"records are uncommitted in partition {partition.assignment.partition}": len(partition.assignment.offsets),
        }
    return (f"{size} {what}" for what, size in sizes.items() if size)
