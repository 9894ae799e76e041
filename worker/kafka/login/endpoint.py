"""Tokens from an OAuth 2 token endpoint, by client credentials (RFC 6749, 4.4), or from a file."""

import asyncio
import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote_plus

import aiohttp
import orjson

from worker.kafka.login.tokens import NoToken, Token

WITHIN = 10.0
MAX_ANSWER = 64 * 1024
_CODE: Final = re.compile(r"[a-z_]{1,40}")
# The characters that may stand in the login message (RFC 7628) without ending the token.
_TOKEN: Final = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A token endpoint, asked with HTTP Basic; without `trusted` the system's certificate authorities count.

    `trusted` is made once from its files: a token is asked for at any time, when they may be gone, or half written.
    """

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str | None = None
    trusted: ssl.SSLContext | None = field(default=None, repr=False)

    @property
    def origin(self) -> str:
        """The endpoint's address."""
        return self.url

    @property
    def settings(self) -> str:
        """The settings that decide what is in a token."""
        return "WORKER_KAFKA__OAUTH_CLIENT_ID, WORKER_KAFKA__OAUTH_SCOPE"

    async def token(self) -> Token:
        """A new token. Raises NoToken."""
        try:
            async with asyncio.timeout(WITHIN):
                status, body = await self._answer()
        except aiohttp.ClientConnectorCertificateError as error:
            why = getattr(error.certificate_error, "verify_message", type(error).__name__)
            raise self._none(f"its certificate was not accepted: {why}", "CA_FILE") from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._none(f"no answer: {_cause(error)}", "TOKEN_URL") from error
        return self._read(status, body)

    async def _answer(self) -> tuple[int, bytes]:
        form = {"grant_type": "client_credentials"} | ({"scope": self.scope} if self.scope else {})
        login = aiohttp.encode_basic_auth(quote_plus(self.client_id), quote_plus(self.client_secret))
        headers = {"Authorization": login, "Accept": "application/json", "Accept-Encoding": "identity"}
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.post(
                self.url, data=form, headers=headers, ssl=self.trusted or True, allow_redirects=False
            ) as response,
        ):
            body = b""
            while len(body) < MAX_ANSWER and (piece := await response.content.read(MAX_ANSWER - len(body))):
                body += piece
            return response.status, body

    def _read(self, status: int, body: bytes) -> Token:
        """The token of an answer. Of any other body nothing is told but the code of its error (RFC 6749, 5.2)."""
        try:
            told = orjson.loads(body)
        except orjson.JSONDecodeError:
            told = {}
        told = told if isinstance(told, dict) else {}
        if status != 200:
            code = str(told.get("error", ""))
            raise self._none(f"{status} {code if _CODE.fullmatch(code) else ''}".strip(), "CLIENT_ID", "CLIENT_SECRET")
        text, lasts = told.get("access_token"), told.get("expires_in")
        if not isinstance(text, str) or not _TOKEN.fullmatch(text):
            raise self._none("its answer holds no access_token", "TOKEN_URL")
        return Token(text, lasts if isinstance(lasts, int | float) and not isinstance(lasts, bool) else None)

    def _none(self, why: str, *settings: str) -> NoToken:
        named = ", ".join(f"WORKER_KAFKA__OAUTH_{name}" for name in settings)
        return NoToken(f"no token from {self.url}: {why} ({named})")


@dataclass(frozen=True, slots=True)
class InFile:
    """A token in a file that somebody else replaces in time; it is read at each login."""

    file: Path

    @property
    def origin(self) -> str:
        """The file's path."""
        return str(self.file)

    @property
    def settings(self) -> str:
        """The setting that names the file."""
        return "WORKER_KAFKA__OAUTH_TOKEN_FILE"

    async def token(self) -> Token:
        """The token that stands in the file now. Raises NoToken."""
        try:
            text = self.file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            raise NoToken(f"no token in {self.file}: {why} ({self.settings})") from None
        if not _TOKEN.fullmatch(text):
            raise NoToken(f"no token in {self.file}: it holds none, or more than one ({self.settings})")
        return Token(text)


def _cause(error: BaseException) -> str:
    cause = getattr(error, "os_error", error)
    return (isinstance(cause, OSError) and cause.strerror) or type(error).__name__
