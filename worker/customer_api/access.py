"""How the API is reached."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from yarl import URL

from worker.customer_api.proxy import Proxy


@dataclass(frozen=True, slots=True)
class Access:
    """How the API is reached. Times are seconds."""

    base_url: str
    context_root: str = "/system"
    format: Literal["json", "xml"] = "json"
    accept_language: str = "en-US"
    connect_timeout: float = 5
    request_timeout: float = 30
    keepalive_timeout: float = 4
    pool_size: int = 64
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    proxy: Proxy | None = None

    @property
    def content_type(self) -> str:
        return f"application/{self.format}"

    @property
    def own_path(self) -> str:
        """The beginning of every path of the API."""
        return f"{self.context_root}/ws/v12/"

    def url(self, path: str) -> URL:
        """The URL of a path that starts after the version, such as `/interaction/customer`."""
        return URL(f"{self.base_url}{self.own_path}{path.removeprefix('/')}", encoded=True)
