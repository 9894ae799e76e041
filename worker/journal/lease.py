"""How long after its intent a POST may still start, on clocks that nobody can set back."""

import time
from typing import NamedTuple

BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Moment(NamedTuple):
    """One moment by two clocks, in seconds: since boot, and the wall clock. Either may stand still or jump."""

    boot: float
    wall: float

    def since(self, earlier: "Moment") -> float:
        """Seconds since `earlier`, by the clock that went further: setting the wall clock back takes nothing away."""
        return max(self.boot - earlier.boot, self.wall - earlier.wall)


def now() -> Moment:
    """The present moment.

    The boot clock counts while the machine sleeps; the wall clock shows a virtual machine's pause.
    """
    return Moment(time.clock_gettime(BOOT_CLOCK), time.time())


class Lease(NamedTuple):
    """A POST may start less than `ttl` seconds after its intent was handed to the producer, not after its ack."""

    handed: Moment
    ttl: float

    def is_over(self, now: Moment, later: float = 0.0) -> bool:
        """Whether it is too late for the POST, so many seconds `later`: its intent must be released, as somebody else
        may be settling it.
        """
        return now.since(self.handed) + later >= self.ttl
