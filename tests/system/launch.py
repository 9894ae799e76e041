"""Runs the worker, and sends it a signal at a named step: `launch.py STEP SIDE NTH SIGNAL`.

Steps: claim, intent, released, finished (journal entries); dead_letter, result; post, looked, search; commit. Sides:
before, during (handed over, not acknowledged yet), after. The worker's own code is unchanged.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from worker.cli import main
from worker.customer_api.client import CustomerApi
from worker.journal.entries import decode, is_claim
from worker.kafka.publisher import Publisher
from worker.kafka.source import RecordSource
from worker.model.records import OutgoingMessage
from worker.partition.assignment import Assignment

ON_ITS_WAY = 0.002
"""Seconds after which what was handed over has left, and its acknowledgement mostly has not been read yet."""


@dataclass
class Strike:
    """The signal that is sent once, at the n-th time that the step is reached."""

    step: str
    side: str
    nth: int
    signal: signal.Signals
    seen: int = 0

    def now(self) -> None:
        """Send it; SIGSTOP returns when somebody sends SIGCONT, SIGKILL never."""
        os.kill(os.getpid(), self.signal)

    def is_due(self, step: str) -> bool:
        """Count the step; whether this is the time to strike."""
        self.seen += step == self.step
        return step == self.step and self.seen == self.nth

    async def around(self, step: str, call: Callable[[], Awaitable[Any]]) -> Any:
        """Make the call; where it is due, send the signal on the side that was asked for."""
        if not self.is_due(step):
            return await call()
        match self.side:
            case "before":
                self.now()
                return await call()
            case "during":
                calling = asyncio.ensure_future(call())
                await asyncio.sleep(ON_ITS_WAY)
                self.now()
                return await calling
            case _:
                try:
                    return await call()
                finally:
                    self.now()


def step_of(message: OutgoingMessage) -> str:
    """The step that publishing this message is, told by its topic."""
    if message.topic == os.environ["WORKER_TOPICS__JOURNAL"]:
        return "claim" if is_claim(message.key) else decode(message.value or b"").state
    return "dead_letter" if message.topic == os.environ["WORKER_TOPICS__DEAD_LETTERS"] else "result"


def put_into(owner: Any, method: str, step: Callable[..., str], strike: Strike) -> None:
    """Have the signal sent around that method; `step` names the step by the method's arguments."""
    original = getattr(owner, method)

    @wraps(original)
    async def struck(self: Any, *args: Any, **kwargs: Any) -> Any:
        return await strike.around(step(*args, **kwargs), lambda: original(self, *args, **kwargs))

    setattr(owner, method, struck)


def put_into_the_last_look(strike: Strike) -> None:
    """Strike between the last check of ownership and the write of the request, which no check can cover."""
    original = Assignment.before_sending

    def before_sending(self: Assignment, *args: Any) -> Callable[[], None]:
        look = original(self, *args)

        def struck() -> None:
            look()
            if strike.is_due("looked"):
                strike.now()

        return struck

    setattr(Assignment, "before_sending", before_sending)  # noqa: B010  mypy refuses a plain assignment to it


def prepare(strike: Strike) -> None:
    """From now on this process gets the signal at its step."""
    put_into(Publisher, "store", lambda message, *_: step_of(message), strike)
    put_into(CustomerApi, "create", lambda *_: "post", strike)
    put_into(CustomerApi, "find_by_attribute", lambda *_: "search", strike)
    put_into(RecordSource, "commit", lambda *_: "commit", strike)
    put_into_the_last_look(strike)


if __name__ == "__main__":
    named, side, nth, sent = sys.argv[1:]
    prepare(Strike(named, side, int(nth), signal.Signals[sent]))
    sys.argv[1:] = ["run"]
    main()
