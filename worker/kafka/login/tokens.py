"""The token of this process, one for all its Kafka clients: it is renewed before it ends; an outage is told."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import structlog
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaConnectionError, KafkaError, SaslAuthenticationFailed

from worker import clocks
from worker.model.errors import KafkaUnavailable

log = structlog.get_logger()
FRESH = 0.7
"""The share of a token's life in which no other is asked for: a login is renewed later than that."""
GOOD = 0.9
"""The share of a token's life in which it is used: a login lasts no longer than its token."""
AT_ONCE = 5.0
"""Seconds for which a token is used whose lifetime nobody knows."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0


class NoToken(KafkaConnectionError):
    """No token can be had now; the text says why, and names the settings."""


class TokenRefused(SaslAuthenticationFailed):
    """The brokers do not accept the token; the text says why, and names the settings."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token that lasts for `lasts` seconds from when it was given.

    None, 0 or less: nobody knows for how long. Whoever says that a new token has ended already has another clock.
    Then each login asks for another token.
    """

    text: str = field(repr=False)
    lasts: float | None = None

    @property
    def known_to_last(self) -> float | None:
        """For how many seconds it lasts, if that is known: above zero."""
        return self.lasts if self.lasts is not None and self.lasts > 0 else None


class Source(Protocol):
    """Where tokens come from; `origin` names it for a person, `settings` those to look at when tokens are refused."""

    @property
    def origin(self) -> str: ...
    @property
    def settings(self) -> str: ...
    async def token(self) -> Token:
        """A new token. Raises NoToken, and nothing else."""


class Outage(Protocol):
    """Told when nobody can log in, and when that is over."""

    def begin(self, detail: str) -> None: ...
    def end(self) -> None: ...


class Unobserved:
    """An outage that nobody is told of."""

    def begin(self, detail: str) -> None: ...
    def end(self) -> None: ...


class Tokens(AbstractTokenProvider):
    """Gives the token for each login. One is asked for at a time, and after a failure none for a while."""

    def __init__(self, source: Source, clock: Callable[[], float] = clocks.monotonic) -> None:
        self.outage: Outage = Unobserved()
        self._source = source
        self._clock = clock
        self._kept = Token("")
        self._fresh_until = self._good_until = -math.inf
        self._asking: asyncio.Task[None] | None = None
        self._failure: NoToken | TokenRefused = NoToken("no token yet")
        self._pause = FIRST_PAUSE
        self._again_at = -math.inf

    async def token(self) -> str:
        """A token that has not ended. Raises NoToken, and TokenRefused while the brokers refuse tokens."""
        if self._clock() >= self._fresh_until:
            await self._another()
        if self._clock() < self._good_until:
            return self._kept.text
        self.outage.begin(str(self._failure.args[0]))
        raise self._failure

    async def tried(self) -> str:
        """Which token there is, in words for a person. Raises KafkaUnavailable."""
        try:
            await self.token()
        except KafkaError as error:
            raise KafkaUnavailable(str(error.args[0])) from None
        lasts = "" if (known := self._kept.known_to_last) is None else f", for {known:.0f} s"
        return f"from {self._source.origin}{lasts}"

    def refused(self, why: str) -> TokenRefused:
        """Note that the brokers refused the token; the error to raise. Another token is asked for after a pause."""
        self._fresh_until = self._good_until = -math.inf
        error = TokenRefused(f"the brokers refused the token: {why} ({self._source.settings})")
        self._fails(error)
        self.outage.begin(str(error.args[0]))
        return error

    def accepted(self) -> None:
        """Note that the brokers accepted the token."""
        self._pause = FIRST_PAUSE
        self.outage.end()

    async def _another(self) -> None:
        """Ask for another token, one for all who wait: if one of them is cancelled the others still get it."""
        if self._asking is None and self._clock() >= self._again_at:
            self._asking = asyncio.create_task(self._ask(), name="ask for a token")
            self._asking.add_done_callback(self._asked)
        if self._asking is not None:
            await asyncio.shield(self._asking)

    async def _ask(self) -> None:
        begun = self._clock()
        try:
            token = await self._given()
        except NoToken as error:
            self._fails(error)
            if self._clock() < self._good_until:
                log.warning("token.renewal_failed", detail=str(error.args[0]))
            return
        self._kept, lasts = token, token.known_to_last
        self._fresh_until = begun + FRESH * (lasts or 0.0)
        self._good_until = self._clock() + AT_ONCE if lasts is None else begun + GOOD * lasts

    async def _given(self) -> Token:
        """A token of the source. Whatever else it raises becomes NoToken, the only error that a login knows of."""
        try:
            return await self._source.token()
        except NoToken:
            raise
        except Exception as error:
            why = type(error).__name__
            raise NoToken(f"no token from {self._source.origin}: {why} ({self._source.settings})") from error

    def _asked(self, _: asyncio.Task[None]) -> None:
        self._asking = None

    def _fails(self, error: NoToken | TokenRefused) -> None:
        self._failure = error
        self._again_at = self._clock() + self._pause
        self._pause = min(LONGEST_PAUSE, self._pause * 2)
