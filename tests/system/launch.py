"""Runs the worker as its command does, and strikes it at a named step: `launch.py STEP SIDE NTH SIGNAL`.

Steps: claim, intent, released, finished (journal entries); dead_letter, result; post, looked, search; commit.
Sides: before, during (handed over, nothing heard yet), after. The worker knows nothing of it.
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
"""Seconds after which what was handed over is in the socket, and its acknowledgement mostly not read yet."""


@dataclass
class Strike:
    """Once, at the n-th time of the step."""

    step: str
    side: str
    nth: int
    signal: signal.Signals
    seen: int = 0

    def now(self) -> None:
        """SIGSTOP returns when somebody sends SIGCONT; SIGKILL never does."""
        os.kill(os.getpid(), self.signal)

    def is_due(self, step: str) -> bool:
        """Counts the step."""
        self.seen += step == self.step
        return step == self.step and self.seen == self.nth

    async def around(self, step: str, call: Callable[[], Awaitable[Any]]) -> Any:
        """The call, struck where it is due."""
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
    """What is published, told by its topic."""
    if message.topic == os.environ["WORKER_TOPICS__JOURNAL"]:
        return "claim" if is_claim(message.key) else decode(message.value or b"").state
    return "dead_letter" if message.topic == os.environ["WORKER_TOPICS__DEAD_LETTERS"] else "result"


def put_into(owner: Any, method: str, step: Callable[..., str], strike: Strike) -> None:
    """`step` is told the method's arguments."""
    original = getattr(owner, method)

    @wraps(original)
    async def struck(self: Any, *args: Any, **kwargs: Any) -> Any:
        return await strike.around(step(*args, **kwargs), lambda: original(self, *args, **kwargs))

    setattr(owner, method, struck)


def put_into_the_last_look(strike: Strike) -> None:
    """Between the last look and the write of the request: the instant that no client can close."""
    original = Assignment.before_sending

    def before_sending(self: Assignment, *args: Any) -> Callable[[], None]:
        look = original(self, *args)

        def struck() -> None:
            look()
            if strike.is_due("looked"):
                strike.now()

        return struck

    setattr(Assignment, "before_sending", before_sending)  # noqa: B010  mypy would not have it changed


def prepare(strike: Strike) -> None:
    """From now on the worker of this process is struck."""
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
