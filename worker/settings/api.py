"""The settings of the API: where it is, who we are there, and what its answers mean. Durations are seconds."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import NoDecode

from worker.settings.group import Group
from worker.settings.kinds import BasicUser, ContextRoot, Origin, Positive, ProxyAddress, Seconds, Statuses, parsed


class Account(Group):
    """One user of the API."""

    username: str
    password: SecretStr


class Api(Group):
    base_url: Origin = "http://127.0.0.1:8090"
    """Where the API is: scheme, host and port."""
    context_root: ContextRoot = "/system"
    """What stands before /ws/v12 in the API's paths."""
    format: Literal["json", "xml"] = "json"
    """The format of what is sent."""
    accept_language: str = "en-US"
    """The language of the API's error texts."""
    username: str = ""
    """The API's user."""
    password: SecretStr = SecretStr("")
    """That user's password."""
    accounts: Annotated[tuple[Account, ...], NoDecode, BeforeValidator(parsed)] = ()
    """Several users, as JSON: [{"username": .., "password": ..}]; a replica takes that of its ordinal, else any."""
    force_login: bool = True
    """At the limit of five sessions a user, end the oldest one instead of being refused."""
    connect_timeout: Seconds = Field(5, gt=0)
    """How long a connection may take to be made, TLS included."""
    request_timeout: Seconds = Field(30, gt=0)
    """From the first byte sent to the last byte of the answer; when it passes, the outcome is unknown."""
    keepalive_timeout: Seconds = 4
    """How long an idle connection is kept; stay below the server's own: a connection closed under a POST is a doubt."""
    pool_size: Positive | None = None
    """Connections to the API at once; unset: as many as WORKER_DISPATCH__MAX_IN_FLIGHT."""
    ca_file: Path | None = None
    """Certificates (PEM) that the API is checked against; unset: the system's."""
    cert_file: Path | None = None
    """The worker's own certificate (PEM), for an API that asks for one."""
    key_file: Path | None = None
    """The key (PEM) of that certificate; unset: it stands in the same file."""
    proxy: ProxyAddress | None = None
    """An HTTP proxy on the way: scheme, host and port, or `environment` for HTTPS_PROXY, HTTP_PROXY and NO_PROXY."""
    proxy_username: BasicUser | None = None
    """The proxy's user."""
    proxy_password: SecretStr | None = None
    """That user's password."""
    proxy_ca_file: Path | None = None
    """Certificates (PEM) that an https proxy is checked against; unset: the system's."""
    unknown_statuses: Statuses = frozenset({500, 502, 504})
    """Answers after which the customer may exist: never sent again blindly; a status here is no longer a "not now"."""
    retry_statuses: Statuses = frozenset({408, 429, 503})
    """Answers that mean "not now": sent again later; a status here is no longer an unknown outcome."""

    @model_validator(mode="after")
    def _apart(self) -> "Api":
        both = sorted(self._named("unknown_statuses") & self._named("retry_statuses"))
        if both:
            raise ValueError(f"WORKER_API__UNKNOWN_STATUSES and WORKER_API__RETRY_STATUSES both name {both[0]}")
        for name in ("unknown_statuses", "retry_statuses"):
            if 401 in getattr(self, name):
                raise ValueError(f"WORKER_API__{name.upper()}: a 401 always means that the session is to be renewed")
        return self

    @model_validator(mode="after")
    def _tls(self) -> "Api":
        if self.key_file and not self.cert_file:
            raise ValueError("WORKER_API__CERT_FILE: required with WORKER_API__KEY_FILE")
        for name in ("cert_file", "ca_file"):
            if getattr(self, name) and not self.base_url.startswith("https:"):
                raise ValueError(
                    f"WORKER_API__{name.upper()}: is for an API over TLS, and WORKER_API__BASE_URL is not https"
                )
        return self

    @model_validator(mode="after")
    def _by_proxy(self) -> "Api":
        for name in ("username", "password", "ca_file"):
            if getattr(self, f"proxy_{name}") and not self.proxy:
                raise ValueError(f"WORKER_API__PROXY: required with WORKER_API__PROXY_{name.upper()}")
        if self.proxy_password and not self.proxy_username:
            raise ValueError("WORKER_API__PROXY_USERNAME: required with WORKER_API__PROXY_PASSWORD")
        if self.proxy_ca_file and self.proxy and self.proxy.startswith("http:"):
            raise ValueError("WORKER_API__PROXY_CA_FILE: is for a proxy over TLS, and WORKER_API__PROXY is not https")
        return self

    @property
    def unknown(self) -> frozenset[int]:
        """The statuses of unknown outcomes, without those that somebody has set as "not now"."""
        return self.unknown_statuses - self._named("retry_statuses")

    @property
    def not_now(self) -> frozenset[int]:
        """The statuses that mean "not now", without those that somebody has set as unknown."""
        return self.retry_statuses - self._named("unknown_statuses")

    @property
    def with_wait(self) -> frozenset[int]:
        """Those that mean "not now" only with a Retry-After.

        Without it a proxy may have lost the call behind the API.
        """
        return (self.not_now & {503}) - self._named("retry_statuses")

    def _named(self, setting: str) -> frozenset[int]:
        """What somebody has set the setting to; nothing where it has its default."""
        return getattr(self, setting) if setting in self.model_fields_set else frozenset()
