"""A partition's drain, which ends every wait: nothing that waits keeps a partition from being given up."""

import asyncio

from worker.model.errors import Draining


class Drain:
    """Begins once. Every wait under way raises Draining at that moment, and every later one does at once."""

    def __init__(self) -> None:
        self._begun = False
        self._waiting: set[asyncio.Future[None]] = set()

    def is_set(self) -> bool:
        """Whether the drain has begun."""
        return self._begun

    def set(self) -> None:
        """Begin the drain: every wait under way raises Draining."""
        self._begun = True
        for awaited in self._waiting:
            if not awaited.done():
                awaited.set_exception(Draining())
                awaited.exception()  # marked as seen: whoever waits may have been cancelled meanwhile

    def require_none(self) -> None:
        """Raise Draining once the drain has begun, so that nothing more is begun."""
        if self._begun:
            raise Draining

    async def unless(self, awaited: asyncio.Future[None]) -> None:
        """Return when the future is done; raise Draining when the drain begins first.

        The future is cancelled or failed then, and nobody else may wait for it.
        """
        if self._begun:
            awaited.cancel()
            raise Draining
        self._waiting.add(awaited)
        try:
            await awaited
        except Draining as kept:
            # The future keeps the exception, whose traceback would keep alive all that waits for the future.
            kept.__traceback__ = None
            raise Draining from None
        finally:
            self._waiting.discard(awaited)


def after(seconds: float) -> asyncio.Future[None]:
    """A future that is done after so many seconds."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()
    timer = loop.call_later(seconds, _pass, future)
    future.add_done_callback(lambda _: timer.cancel())
    return future


def _pass(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
