"""Connections that log in again before the brokers would cut them (KIP-368), which aiokafka's own never do.

A cut loses what is in flight: the acknowledgement of a journal entry, a commit, the join of a group.
"""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import structlog
from aiokafka import conn
from aiokafka.conn import CloseReason, OAuthAuthenticator
from aiokafka.errors import KafkaError, SaslAuthenticationFailed
from aiokafka.protocol.admin import SaslAuthenticateRequest

from worker.kafka.login.tokens import NoToken, Tokens
from worker.kafka.wire import Wire

log = structlog.get_logger()
EARLY = 0.75, 0.9
"""The share of a login's lifetime after which the next one is due; drawn, so that connections do not coincide.

A token is replaced earlier in its life, so that the next login uses a new token.
"""
LEAST = 1.2
"""Seconds: the brokers take no second login within one second."""
MARGIN = 0.5
POLL = 0.005
_STATUS = re.compile(r'"status" ?: ?"([a-z_]{1,40})"')


class Bearer(OAuthAuthenticator):
    """Notices a refused token: the brokers tell it in an answer that needs one more reply (RFC 7628, 3.2.3)."""

    async def step(self, payload: bytes | None) -> tuple[bytes, bool] | None:
        """The next bytes to send; aiokafka's own method takes any answer as an acceptance."""
        if payload:
            return b"\x01", True
        said: tuple[bytes, bool] | None = await super().step(payload)  # type: ignore[no-untyped-call]  # aiokafka has no types
        return said


class LastingConnection(Wire):
    """A connection that logs in again.

    Its requests are held back for that, and those on their way are answered first.
    """

    _lasts: float = 0.0
    _renewal: asyncio.Task[None] | None = None
    _again: asyncio.Event | None = None

    def authenticator_oauth(self) -> Bearer:
        """The authenticator, by the name by which aiokafka asks for it."""
        return Bearer(sasl_oauth_token_provider=self._sasl_oauth_token_provider)  # type: ignore[no-untyped-call]

    async def _do_sasl_handshake(self) -> None:
        """Log in over a new connection, and begin to renew the login if it ends."""
        await self._log_in()
        if self._lasts:
            self._renewal = asyncio.create_task(self._renew(), name="log in to a broker again")

    async def _log_in(self) -> None:
        tokens = self._sasl_oauth_token_provider
        try:
            await super()._do_sasl_handshake()  # type: ignore[no-untyped-call]
        except SaslAuthenticationFailed as error:
            if isinstance(tokens, Tokens):
                raise tokens.refused(_why(error)) from None
            raise
        if isinstance(tokens, Tokens):
            tokens.accepted()

    def send(self, request: Any, expect_response: bool = True) -> Awaitable[Any]:  # noqa: ANN401, FBT001, FBT002  as aiokafka's
        """Write the request at once, or as soon as a login that is under way is over."""
        if self._again is not None and asyncio.current_task() is not self._renewal:
            return self._sent_after(self._again, request, expect_response=expect_response)
        sent = super().send(request, expect_response)
        return self._noted(sent) if isinstance(request, SaslAuthenticateRequest) else sent

    async def _sent_after(self, login: asyncio.Event, request: Any, *, expect_response: bool) -> Any:  # noqa: ANN401  as above
        await login.wait()
        return await self.send(request, expect_response)

    async def _noted(self, sent: Awaitable[Any]) -> Any:  # noqa: ANN401  as above
        """Note how long the login lasts; 0 where it lasts as long as its connection."""
        answer = await sent
        self._lasts = getattr(answer, "session_lifetime_ms", 0) / 1000
        return answer

    async def _renew(self) -> None:
        """Log in again and again.

        Where that fails, close the connection before its login ends, with nothing in flight.
        """
        while self._lasts * EARLY[0] > LEAST:
            end = self._loop.time() + self._lasts
            await asyncio.sleep(self._lasts * random.uniform(*EARLY))  # noqa: S311  spreads, hides nothing
            if not await self._can_log_in(end - MARGIN):
                self._lasts = MARGIN
                break
            async with self._quiet():
                await self._log_in()
        await asyncio.sleep(self._lasts - MARGIN)
        async with self._quiet():
            raise NoToken("the login is over")

    async def _can_log_in(self, end: float) -> bool:
        """Whether there is a token for the next login; asked for again until `end` (the loop's time)."""
        tokens = self._sasl_oauth_token_provider
        while isinstance(tokens, Tokens):
            try:
                await tokens.token()
            except KafkaError:
                if self._loop.time() >= end:
                    return False
                await asyncio.sleep(min(1.0, max(0.0, end - self._loop.time())))
            else:
                return True
        return True

    @asynccontextmanager
    async def _quiet(self) -> AsyncIterator[None]:
        """Hold requests back and let those in flight be answered first; an error inside closes the connection."""
        self._again = over = asyncio.Event()
        try:
            async with asyncio.timeout(self._request_timeout):
                while self._requests:  # noqa: ASYNC110  aiokafka tells nobody
                    await asyncio.sleep(POLL)
                yield
        except Exception as error:  # noqa: BLE001  a login may fail in ways of its own, and nobody waits for this task
            log.warning("login.renewal_failed", error=type(error).__name__)
            self._lasts = 0.0
            self.close(reason=CloseReason.CONNECTION_BROKEN, exc=error)
        finally:
            self._again = None
            over.set()

    def close(self, reason: CloseReason | None = None, exc: BaseException | None = None) -> Any:  # noqa: ANN401  as above
        """Close as aiokafka does, and end the renewal."""
        if self._renewal is not None:
            self._renewal.cancel()
        return super().close(reason=reason, exc=exc)  # type: ignore[no-untyped-call]


def _why(error: SaslAuthenticationFailed) -> str:
    """The code that the brokers give, if any (RFC 7628, 3.2.2); the rest of their words may quote the token."""
    found = _STATUS.search(str(error))
    return found[1] if found else "without a word why"


# Every aiokafka client makes its connections by this name.
conn.AIOKafkaConnection = LastingConnection  # type: ignore[misc]
