"""How long after its intent a POST may still start, on clocks that nobody can set back."""

import time
from typing import NamedTuple

BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Moment(NamedTuple):
    """Now, on the clock that counts since boot and on the wall clock: either may stand still or jump. Seconds."""

    boot: float
    wall: float

    def since(self, earlier: "Moment") -> float:
        """Whichever went further; a wall clock that was set back takes nothing away."""
        return max(self.boot - earlier.boot, self.wall - earlier.wall)


def now() -> Moment:
    """A suspended machine counts on the first clock, a machine whose clock was set on the second."""
    return Moment(time.clock_gettime(BOOT_CLOCK), time.time())


class Lease(NamedTuple):
    """A POST may start less than `ttl` seconds after its intent was handed to the producer, not after its ack."""

    handed: Moment
    ttl: float

    def is_over(self, now: Moment) -> bool:
        """Then the intent has to be given back: somebody else may be settling it."""
        return now.since(self.handed) >= self.ttl
