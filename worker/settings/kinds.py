"""What a setting may hold: each kind of value, with its rule."""

import json
import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_settings import NoDecode
from yarl import URL

ENVIRONMENT = "environment"
PORT = re.compile(r"(?:^[^:]*|\]|//[^:]*):([0-9]+)$", re.ASCII)
MAX_PORT = 65_535
CONTEXT_ROOT = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*")
NO_PORT = f"a port is between 1 and {MAX_PORT}"


def _url(value: str) -> URL:
    """The address as a URL. The library takes a port of 0, to which nobody can connect, and names that no host has."""
    url = URL(value.strip())
    if url.explicit_port == 0:
        raise ValueError(NO_PORT)
    _require_host(url.raw_host or "")
    return url


def _require_host(name: str) -> None:
    """Refuse a name that cannot be looked up at all: for such a name libraries raise errors that no caller expects."""
    try:
        name.encode("idna")
    except UnicodeError:
        raise ValueError("no host has such a name") from None
    if " " in name:
        raise ValueError("no host has a blank in its name")


def _ports(value: str) -> str:
    """Check names and addresses, which are separated by commas, and put them in one line.

    The colons of an IPv6 address without brackets are no port.
    """
    for each in value.split(","):
        port = PORT.search(each := each.strip())
        if port and not 1 <= int(port[1]) <= MAX_PORT:
            raise ValueError(NO_PORT)
        _require_host(each[: port.start(1) - 1] if port else each)
    return " ".join(value.split())


def _link(value: str) -> str:
    _url(value)
    return value


def _is_http(url: URL) -> bool:
    """Whether it is an address of http or https with a host, and without a user or a password."""
    return url.scheme in {"http", "https"} and bool(url.host) and not url.user and not url.password


def _origin(value: str) -> str:
    url = _url(value)
    if not _is_http(url) or url.path not in {"", "/"} or url.query_string:
        raise ValueError("must be scheme, host and port, such as https://crm.example.com")
    return str(url.origin())


def _proxy(value: str) -> str:
    if value == ENVIRONMENT:
        return value
    url = _url(value)
    if url.user or url.password:
        raise ValueError("its user and password are WORKER_API__PROXY_USERNAME and WORKER_API__PROXY_PASSWORD")
    if not _is_http(url) or url.path not in {"", "/"} or url.query_string:
        raise ValueError("must be scheme, host and port, such as http://proxy.example.com:3128, or environment")
    return str(url.origin())


def _address(value: str) -> str:
    url = _url(value)
    if not _is_http(url) or url.query_string or url.fragment:
        raise ValueError("must be scheme, host, port and path, such as https://registry.example.com/apis/ccompat/v7")
    return str(url).rstrip("/")


def _endpoint(value: str) -> str:
    if not _is_http(_url(value)):
        raise ValueError("must be an address such as https://login.example.com/oauth2/token, without a user in it")
    return value.strip()


def _context_root(value: str) -> str:
    root = value.rstrip("/")
    if root and not root.startswith("/"):
        raise ValueError("must start with /")
    if not CONTEXT_ROOT.fullmatch(root):
        raise ValueError("must be a path as it stands in an address, such as /system")
    return root


def parsed(value: object) -> object:
    """A text parsed as JSON; anything else unchanged."""
    return _json(value) if isinstance(value, str) else value


def _json(text: str) -> object:
    """Parse JSON. Raises ValueError."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _split(value: object) -> object:
    return value.strip("[] ").replace(" ", "").split(",") if isinstance(value, str) else value


def listed(value: object) -> object:
    """The items of a text with commas, or with a JSON list; none of an empty one. Anything else unchanged."""
    if not isinstance(value, str):
        return value
    try:
        found = _json(value)
    except ValueError:
        found = None
    return found if isinstance(found, list) else [each.strip() for each in value.split(",") if each.strip()]


def _start(value: str) -> str:
    if value in {"earliest", "latest"}:
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or moment.timestamp() < 0:
        raise ValueError("must be earliest, latest, or a time with its zone, such as 2026-11-27T08:00Z")
    return value


WITHOUT_USER = WithJsonSchema({"type": "string", "pattern": "^[^/@]*(//[^/@]*(/.*)?)?$"})
"""Refused before it stands in a ConfigMap: an address with a user, and perhaps a password, before its host."""
Origin = Annotated[str, AfterValidator(_origin), WITHOUT_USER]
Endpoint = Annotated[str, AfterValidator(_endpoint), WITHOUT_USER]
ProxyAddress = Annotated[str, AfterValidator(_proxy), WITHOUT_USER]
Prefix = Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._~-]+)*/?$"), AfterValidator(lambda value: value.rstrip("/"))]
HostName = Annotated[
    str,
    Field(pattern=r"^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$"),
    AfterValidator(_ports),
    AfterValidator(lambda value: value.lower()),
]
Link = Annotated[str, Field(pattern=r"^https?://[^\s#]+$"), AfterValidator(_link)]
Authority = Annotated[str, Field(pattern=r"^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$"), AfterValidator(_ports)]
Servers = Annotated[str, Field(min_length=1), AfterValidator(_ports)]
BasicUser = Annotated[str, Field(pattern="^[^:]*$")]
"""A user of basic authentication, in which all that follows a colon is the password."""
Address = Annotated[str, AfterValidator(_address), WITHOUT_USER]
ContextRoot = Annotated[str, AfterValidator(_context_root)]
Start = Annotated[str, AfterValidator(_start)]
Status = Annotated[int, Field(ge=300, le=599)]
Statuses = Annotated[frozenset[Status], NoDecode, BeforeValidator(_split)]
Seconds = Annotated[float, Field(ge=0, le=86_400 * 365)]
SecondOrMore = Annotated[float, Field(ge=1, le=86_400 * 365)]
GROUP_WAITS = 86_400 * 24
"""Seconds that a consumer group can be told to wait: Kafka counts them in milliseconds, with 31 bits."""
GroupSeconds = Annotated[float, Field(ge=0, le=GROUP_WAITS)]
GroupSecondOrMore = Annotated[float, Field(ge=1, le=GROUP_WAITS)]
Positive = Annotated[int, Field(ge=1)]
MOST_PARTITIONS = 1_000_000
Partitions = Annotated[int, Field(ge=1, le=MOST_PARTITIONS)]
Replicas = Annotated[int, Field(ge=1, le=32_767)]
"""Kafka counts them with 15 bits."""
TopicName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
