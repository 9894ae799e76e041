"""An HTTP proxy on the way to the API, and what its own answers mean (docs: guarantees, a proxy on the way)."""

from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from yarl import URL

LOGIN = "WORKER_API__PROXY_USERNAME and WORKER_API__PROXY_PASSWORD"
HEADER = "Proxy-Authorization"


@dataclass(frozen=True, slots=True)
class Proxy:
    """Asked for a tunnel where the API is https, and for each request by itself where it is http."""

    url: str
    username: str | None = None
    password: str = field(default="", repr=False)
    ca_file: Path | None = None

    @property
    def over_tls(self) -> bool:
        """Whether the way to it is encrypted by itself."""
        return self.url.startswith("https:")

    def headers(self) -> dict[str, str]:
        """What it is told of us; the API never sees it."""
        return {HEADER: aiohttp.encode_basic_auth(self.username, self.password)} if self.username else {}

    def met(self, error: aiohttp.ClientConnectorError) -> bool:
        """Whether that was on the way to it, and not behind it."""
        url = URL(self.url)
        return (error.host, error.port) == (url.raw_host, url.port)


def refusal(status: int) -> str:
    """Of a tunnel, or of a request by a status that no API gives: nothing was passed on."""
    match status:
        case 401 | 407:
            return f"it wants another user or password: {status} (see {LOGIN})"
        case 403:
            return "it lets nobody through to that host and port: 403 (see WORKER_API__BASE_URL)"
        case _:
            return f"it answered {status}"
