"""Asks a registry over HTTP, and decides which of its answers count."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
import orjson
from yarl import URL

from worker.model.errors import SchemaRegistryUnavailable, SettingsError

MAX_BODY: Final = 4 * 1024 * 1024
CONNECTIONS: Final = 4
WITHIN: Final = aiohttp.ClientTimeout(total=15, sock_connect=5)
_UNKNOWN: Final = frozenset({40401, 40402, 40403})
"""The registry's own error codes for an unknown subject, version or schema; another 404 may be somebody else's."""


@dataclass(frozen=True, slots=True)
class Access:
    """Where the registry is, path included, and as whom it is asked."""

    url: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    ca_file: Path | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers of each request, which say who we are."""
        told = {"Accept": "application/vnd.schemaregistry.v1+json, application/json"}
        if self.token:
            return {**told, "Authorization": f"Bearer {self.token}"}
        if self.username is not None:
            return {**told, "Authorization": aiohttp.encode_basic_auth(self.username, self.password or "")}
        return told


class Unknown(Exception):
    """The registry itself says that there is no such thing."""


class NotServed(SchemaRegistryUnavailable):
    """Nothing answers at that path: it is not a registry's, or the registry is one that does not serve it."""


class NotTaken(SchemaRegistryUnavailable):
    """The registry does not accept what stands in the path (400, 422)."""


_KINDS: Final[dict[int, type[SchemaRegistryUnavailable]]] = {400: NotTaken, 404: NotServed, 422: NotTaken}


@asynccontextmanager
async def asked(access: Access) -> AsyncIterator["Http"]:
    """Yield an `Http` for the registry. SettingsError for a CA file that cannot be used."""
    connector = aiohttp.TCPConnector(limit=CONNECTIONS, ssl=_trusted(access.ca_file) if access.ca_file else True)
    async with aiohttp.ClientSession(
        connector=connector, timeout=WITHIN, headers=access.headers, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield Http(session, access.url.rstrip("/"))


class Http:
    """Asks the registry, and follows no redirect: the requests carry a password."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def get(self, path: str) -> Any:  # noqa: ANN401  any JSON
        """The JSON answer at `path`, which is quoted already.

        Raises Unknown, NotServed, NotTaken, and SchemaRegistryUnavailable for all else.
        """
        origin = URL(self._url).origin()
        try:
            async with self._session.get(URL(f"{self._url}{path}", encoded=True), allow_redirects=False) as answer:
                body = await _whole(answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise SchemaRegistryUnavailable(f"cannot reach {origin}: {_why(error)}") from error
        if answer.status == 200:
            return _read(body, str(origin))
        if answer.status == 404 and _code(body) in _UNKNOWN:
            raise Unknown
        kind = _KINDS.get(answer.status, SchemaRegistryUnavailable)
        raise kind(f"{origin} answered {answer.status}{_HINTS.get(answer.status, '')}")


_HINTS: Final = {
    401: " (see WORKER_EVENTS__REGISTRY_USERNAME, _PASSWORD and _TOKEN)",
    403: " (see WORKER_EVENTS__REGISTRY_USERNAME, _PASSWORD and _TOKEN)",
    404: ", and not as a schema registry does (see WORKER_EVENTS__REGISTRY_URL)",
}


async def _whole(answer: aiohttp.ClientResponse) -> bytes:
    body = b""
    while chunk := await answer.content.read(MAX_BODY + 1 - len(body)):
        body += chunk
    if len(body) > MAX_BODY:
        answer.close()
        raise aiohttp.ClientPayloadError("too much")
    return body


def _read(body: bytes, origin: str) -> Any:  # noqa: ANN401  any JSON
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise SchemaRegistryUnavailable(
            f"{origin} does not answer as a schema registry does (see WORKER_EVENTS__REGISTRY_URL)"
        ) from None


def _code(body: bytes) -> object:
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return said.get("error_code") if isinstance(said, dict) else None


def _why(error: Exception) -> str:
    """The error in words, without the address, which may hold a password."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return "its certificate is not trusted (see WORKER_EVENTS__REGISTRY_CA_FILE)"
        case aiohttp.ClientSSLError():
            return "no TLS (see WORKER_EVENTS__REGISTRY_URL)"
        case aiohttp.ClientConnectorDNSError():
            return "no such host"
        case aiohttp.ClientConnectorError(os_error=cause) if cause.strerror:
            return cause.strerror
        case _:
            return type(error).__name__


def _trusted(ca_file: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"WORKER_EVENTS__REGISTRY_CA_FILE {ca_file}: {error}") from None
