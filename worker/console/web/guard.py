"""Decides who may ask what: one judgement for every request, before anything else is done."""

import hashlib
import hmac
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from worker import clocks
from worker.console.web.answers import Barred, NotEntered
from worker.console.web.rights import STRANGER, Right, Who
from worker.terminal.text import plain

SAFE = frozenset({"GET", "HEAD"})
LASTS = 12 * 3600
PORTS = {"http": "80", "https": "443"}
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Head:
    """What a request says of itself besides its address; None for a header that it does not have."""

    method: str
    host: str
    origin: str | None = None
    site: str | None = None
    peer: str | None = None
    user: str | None = None
    cookie: str | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """Entry by a token. Whoever has shown it gets a cookie for half a day, from which the token cannot be learned."""

    secret: str = field(repr=False)
    clock: Callable[[], float] = clocks.epoch

    def fits(self, shown: str) -> bool:
        """Whether that is the token."""
        return _are_same(shown, self.secret)

    def cookie(self) -> str:
        """The value of a cookie that is given now."""
        return self._signed(int(self.clock()) + LASTS)

    def name(self, head: Head) -> str:
        """The name of whoever has a valid cookie. Raises NotEntered."""
        until, _, _ = (head.cookie or "").partition(".")
        known = until.isascii() and until.isdigit() and len(until) < 12
        if not known or not _are_same(head.cookie or "", self._signed(int(until))):
            raise NotEntered("this page takes the token that the console printed when it started")
        if int(until) < self.clock():
            raise NotEntered("you were let in more than twelve hours ago: show the token again")
        return "holder of the token"

    def _signed(self, until: int) -> str:
        told = f"customer-worker console until {until}"
        return f"{until}.{hmac.new(self.secret.encode(), told.encode(), hashlib.sha256).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Proxy:
    """Entry by a proxy that knows who asks, and says so in a header; only trusted addresses are believed."""

    header: str
    trusted: Collection[Network]

    def name(self, head: Head) -> str:
        """The person that the proxy names. Raises Barred and NotEntered."""
        if not self._is_trusted(head.peer):
            raise Barred("only a proxy of WORKER_CONSOLE__TRUSTED_PROXIES may ask")
        if not head.user or not head.user.strip():
            told = f"WORKER_CONSOLE__PROXY_USER_HEADER={self.header}"
            raise NotEntered(f"the proxy did not say, or not once, who asks ({told})")
        return plain(head.user.strip()[:200])

    def _is_trusted(self, peer: str | None) -> bool:
        try:
            at = ip_address((peer or "").partition("%")[0])
        except ValueError:
            return False
        return any(_mapped(at) in network for network in self.trusted)


@dataclass(frozen=True, slots=True)
class Guard:
    """The guard. `hosts` are names as browsers send them; one with a port counts for that port only."""

    hosts: frozenset[str]
    entry: Token | Proxy
    rights: frozenset[Right]

    def admit(self, head: Head, right: Right) -> Who:
        """Who asks, if they may. Raises Barred and NotEntered."""
        self._judge_host(head.host)
        if head.method not in SAFE:
            self._judge_origin(head)
        if right is Right.ENTER:
            return STRANGER
        who = Who(self.entry.name(head), self.rights)
        if not who.may(right):
            raise Barred(f"this takes the right {right.value}, which WORKER_CONSOLE__RIGHTS does not give", who)
        return who

    def _judge_host(self, host: str) -> None:
        """Refuse other host names: a page of another name that resolves to this address is somebody else's."""
        if not self._is_ours(host):
            raise Barred("the console is not called by this name (WORKER_CONSOLE__ALLOWED_HOSTS)")

    def _judge_origin(self, head: Head) -> None:
        """Refuse a change that does not come from our own page.

        Browsers send Sec-Fetch-Site only to trustworthy addresses, and Origin to all; a request with neither is
        refused.
        """
        if head.site is not None:
            if head.site != "same-origin":
                raise Barred("only the console's own pages may change something (Sec-Fetch-Site)")
        elif head.origin is None or not self._is_own(head.origin, head.host):
            raise Barred("only the console's own pages may change something (Origin, WORKER_CONSOLE__ALLOWED_HOSTS)")

    def _is_ours(self, authority: str) -> bool:
        name, _ = split(authority)
        return authority.lower() in self.hosts or (bool(name) and name in self.hosts)

    def _is_own(self, origin: str, host: str) -> bool:
        """Whether the page came from where the request goes, or from a proxy's address that is listed with its port."""
        try:
            url = urlsplit(origin)
        except ValueError:
            return False
        if url.scheme not in PORTS or not url.netloc:
            return False
        (name, port), (asked, at) = split(url.netloc), split(host)
        port, at = port or PORTS[url.scheme], at or PORTS[url.scheme]
        return (name, port) == (asked, at) or f"{name}:{port}" in self.hosts


def split(authority: str) -> tuple[str, str | None]:
    """Name, in lower case, and port of `name`, `name:port`, `[address]` or `[address]:port`."""
    name, colon, port = authority.rpartition(":")
    is_name = name.endswith("]") or (":" not in name and not name.startswith("["))
    if colon and port.isascii() and port.isdigit() and is_name:
        return name.lower(), port
    return authority.lower(), None


def _are_same(shown: str, expected: str) -> bool:
    """Whether both are the same, in constant time; a header that is not UTF-8 cannot be encoded, and never is."""
    return hmac.compare_digest(shown.encode(errors="replace"), expected.encode(errors="replace"))


def _mapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address of a peer whose socket takes both families."""
    return getattr(address, "ipv4_mapped", None) or address
