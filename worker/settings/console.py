"""The settings of the console: where it listens, for whom, and what they may do."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import NoDecode

from worker.settings.group import Group
from worker.settings.kinds import Authority, HostName, Link, Prefix, listed

RightName = Literal["view", "replay", "payload", "accept_duplicates", "resolve"]
Network = IPv4Network | IPv6Network
SHORTEST_TOKEN = 16


def _shown(token: SecretStr) -> SecretStr:
    """The token as people show it: spaces around it are left out there, too."""
    token = SecretStr(token.get_secret_value().strip())
    if len(token) < SHORTEST_TOKEN:
        raise ValueError(f"has fewer than {SHORTEST_TOKEN} characters")
    return token


class ConsoleGroup(Group):
    host: str = "127.0.0.1"
    """Where the console listens; beyond loopback it needs a token or a proxy, and WORKER_CONSOLE__ALLOWED_HOSTS."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8081
    """The console's port; 0: a free one, printed at the start."""
    prefix: Prefix = ""
    """The path that a proxy puts before the console's addresses, such as /worker."""
    workers: Annotated[tuple[Authority, ...], NoDecode, BeforeValidator(listed), Field(min_length=1)] = (
        "127.0.0.1:8080",
    )
    """The replicas' operations ports: host:port, several with commas; a name counts for all its addresses."""
    allowed_hosts: Annotated[frozenset[HostName], NoDecode, BeforeValidator(listed)] = frozenset()
    """Host names that browsers may use for the console, besides those of loopback; with a port, that port alone."""
    token: Annotated[SecretStr, AfterValidator(_shown)] | None = None
    """The secret that lets people in, 16 characters or more; unset, without a proxy: a new one each start, printed."""
    proxy_user_header: str | None = Field(None, pattern=r"^[A-Za-z0-9-]+$")
    """In place of a token: the header in which a trusted proxy says who asks."""
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(listed)] = ()
    """The addresses of those proxies, such as 10.0.0.0/8, several with commas; nobody else gets an answer."""
    rights: Annotated[frozenset[RightName], NoDecode, BeforeValidator(listed)] = frozenset({"view"})
    """What people may do: view, replay, payload, accept_duplicates, resolve, with commas; each is off unless given."""
    runbook: Link | None = None
    """Where people find the runbook, such as https://docs.example.com/operations.html: holds lead to their section."""

    @model_validator(mode="after")
    def _one_way_in(self) -> "ConsoleGroup":
        if self.token and self.proxy_user_header:
            raise ValueError("WORKER_CONSOLE__TOKEN and WORKER_CONSOLE__PROXY_USER_HEADER exclude each other")
        if bool(self.proxy_user_header) != bool(self.trusted_proxies):
            raise ValueError(
                "WORKER_CONSOLE__PROXY_USER_HEADER and WORKER_CONSOLE__TRUSTED_PROXIES: one takes the other"
            )
        return self
