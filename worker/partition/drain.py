"""A partition's drain, and waits that it ends: nothing that waits keeps a partition from being given up."""

import asyncio

from worker.model.errors import Draining


class Drain:
    """Begins once; all who wait hear of it at that moment, and who would wait afterwards hears of it at once."""

    def __init__(self) -> None:
        self._begun = False
        self._waiting: set[asyncio.Future[None]] = set()

    def is_set(self) -> bool:
        """Whether the drain has begun."""
        return self._begun

    def set(self) -> None:
        """Begin the drain; whoever waits through it is told."""
        self._begun = True
        for awaited in self._waiting:
            if not awaited.done():
                awaited.set_exception(Draining())
                awaited.exception()  # marked as seen: whoever waits may have been cancelled meanwhile

    async def unless(self, awaited: asyncio.Future[None]) -> None:
        """Return when that is done, raise Draining when the drain comes first; then nobody may wait for it any more."""
        if self._begun:
            awaited.cancel()
            raise Draining
        self._waiting.add(awaited)
        try:
            await awaited
        except Draining as kept:
            # The future keeps it: with its traceback it would hold all that waits for the future.
            kept.__traceback__ = None
            raise Draining from None
        finally:
            self._waiting.discard(awaited)


def after(seconds: float) -> asyncio.Future[None]:
    """Done when that much time has passed."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()
    timer = loop.call_later(seconds, _pass, future)
    future.add_done_callback(lambda _: timer.cancel())
    return future


def _pass(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
