"""An HTTP proxy on the way to the API, and what its own answers mean (docs: guarantees, a proxy on the way)."""

from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from yarl import URL

LOGIN = "WORKER_API__PROXY_USERNAME and WORKER_API__PROXY_PASSWORD"
HEADER = "Proxy-Authorization"


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy. It is asked for a tunnel if the API is https, and for each request by itself if it is http."""

    url: str
    username: str | None = None
    password: str = field(default="", repr=False)
    ca_file: Path | None = None

    @property
    def over_tls(self) -> bool:
        """Whether the connection to the proxy is itself encrypted by TLS."""
        return self.url.startswith("https:")

    def headers(self) -> dict[str, str]:
        """The headers for the proxy alone; the API never sees them."""
        return {HEADER: aiohttp.encode_basic_auth(self.username, self.password)} if self.username else {}

    def met(self, error: aiohttp.ClientConnectorError) -> bool:
        """Whether the error was met on the way to the proxy, and not behind it."""
        url = URL(self.url)
        return (error.host, error.port) == (url.raw_host, url.port)


def refusal(status: int) -> str:
    """Why the proxy refused a tunnel or a request, by a status that is its own: nothing was passed on."""
    match status:
        case 401 | 407:
            return f"it wants another user or password: {status} (see {LOGIN})"
        case 403:
            return "it lets nobody through to that host and port: 403 (see WORKER_API__BASE_URL)"
        case _:
            return f"it answered {status}"
