"""Checks of where settings came from, and of waits that must fit into one another."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from worker.tools.check.line import Check, Line

# Seconds to write to the journal, publish and commit what was in flight.
MARGIN = 5.0


def settings(config: Path | None) -> Check:
    """The line on settings: they were loaded already, so it says from where."""

    async def check() -> AsyncIterator[Line]:
        yield Line("settings", "ok", f"environment and {config}" if config else "environment")

    return check


@dataclass(frozen=True, slots=True)
class Times:
    """The waits that must fit into one another, in seconds."""

    request: float
    drain: float
    rebalance: float


def times(given: Times) -> Check:
    """The check that a POST fits into a drain, and a drain into a rebalance, with time to publish and commit."""

    async def check() -> AsyncIterator[Line]:
        drain = f"request {given.request:g} s, drain {given.drain:g} s"
        rebalance = f"drain {given.drain:g} s, rebalance {given.rebalance:g} s"
        yield _fits(drain, given.drain - given.request, "WORKER_DISPATCH__DRAIN_TIMEOUT")
        yield _fits(rebalance, given.rebalance - given.drain, "WORKER_KAFKA__REBALANCE_TIMEOUT")

    return check


def _fits(detail: str, room: float, setting: str) -> Line:
    if room <= 0:
        return Line("timeouts", "failed", detail, f"{setting} must be longer")
    if room < MARGIN:
        return Line("timeouts", "warning", detail, f"{setting} leaves less than {MARGIN:g} s to journal and commit")
    return Line("timeouts", "ok", detail)
