"""What a trouble of the API is in the sandbox: faults in force while it lasts."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from chaos.troubles import Trouble

from worker.sandbox.api import Fault, RunningSandbox

REQUEST_TIMEOUT = 2.0
NOISE: tuple[dict[str, Any], ...] = (
    {"kind": "reply_lost"},
    {"kind": "status_after", "status": 502},
    {"kind": "status", "status": 503},
    {"kind": "expire_session"},
    {"kind": "login_page"},
    {"kind": "location_missing"},
    {"kind": "big_head"},
    {"kind": "reset"},
    {"kind": "delay_before", "seconds": 2.4},
    {"kind": "status", "call": "search", "status": 503},
)
FAULTS: dict[Trouble, tuple[dict[str, Any], ...]] = {
    Trouble.HANG: ({"kind": "hang"}, {"kind": "hang", "call": "login"}, {"kind": "hang", "call": "search"}),
    Trouble.EXPIRE: (
        {"kind": "expire_session", "match": {"probability": 0.7}},
        {"kind": "login_page", "match": {"probability": 0.3}},
        {"kind": "expire_session", "call": "search", "match": {"probability": 0.5}},
        {"kind": "login_page", "call": "search", "match": {"probability": 0.2}},
    ),
    Trouble.LOCK_OUT: ({"kind": "status", "call": "login", "status": 401},),
    Trouble.LOSE: ({"kind": "reply_lost", "match": {"probability": 0.3}},),
    # The client gives up after REQUEST_TIMEOUT; a look-up comes later than any of these is carried out.
    Trouble.LATE: (
        {"kind": "delay_before", "seconds": 2.5, "match": {"probability": 0.2}},
        {"kind": "delay_before", "seconds": REQUEST_TIMEOUT, "match": {"probability": 0.1}},
    ),
    Trouble.BUSY: ({"kind": "status", "status": 503, "match": {"probability": 0.9}},),
    Trouble.TOO_MANY: ({"kind": "status", "status": 429, "match": {"probability": 0.7}},),
    Trouble.PATIENT: (
        {"kind": "status", "status": 503, "headers": {"Retry-After": "1"}, "match": {"probability": 0.8}},
        {"kind": "status", "call": "login", "status": 503},
    ),
    Trouble.BROKEN: ({"kind": "status_after", "status": 500, "match": {"probability": 0.3}},),
    Trouble.GATEWAY: ({"kind": "status_after", "status": 502, "match": {"probability": 0.3}},),
    Trouble.RESET: ({"kind": "reset", "match": {"probability": 0.3}},),
    Trouble.SLOW: (
        {"kind": "delay_after", "seconds": 0.6, "match": {"probability": 0.6}},
        {"kind": "slow", "seconds": 0.8, "match": {"probability": 0.5}},
    ),
    Trouble.NO_LOCATION: (
        {"kind": "location_missing", "match": {"probability": 0.2}},
        {"kind": "location_garbage", "match": {"probability": 0.1}},
    ),
    Trouble.NO_SEARCH: (
        {"kind": "status", "call": "search", "status": 503, "match": {"probability": 0.6}},
        {"kind": "hang", "call": "search"},
    ),
}


@asynccontextmanager
async def in_force(sandbox: RunningSandbox, faults: Sequence[dict[str, Any]]) -> AsyncIterator[None]:
    """They strike before those that are always there; only they are taken back."""
    active = sandbox.faults.active
    numbers = {sandbox.faults.add(Fault.model_validate(each)) for each in faults}
    active.sort(key=lambda each: each.number not in numbers)
    try:
        yield
    finally:
        active[:] = [each for each in active if each.number not in numbers]


def always(sandbox: RunningSandbox, noise: float) -> None:
    """Each fault of the noise meets that share of the calls."""
    for each in NOISE if noise else ():
        sandbox.faults.add(Fault.model_validate({**each, "match": {"probability": noise}}))


async def api_trouble(what: Trouble, seconds: float, sandbox: RunningSandbox) -> None:
    """Return when it is over."""
    async with in_force(sandbox, FAULTS[what]):
        if what in {Trouble.LOCK_OUT, Trouble.PATIENT}:
            sandbox.sessions.expire()
        await asyncio.sleep(seconds)
