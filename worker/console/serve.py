"""`console`: opens everything in its order, and prints the link."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address

import structlog

from worker.app import with_signals
from worker.console import pages, sources
from worker.console.web import entering
from worker.console.web.guard import Guard, Proxy, Token, split
from worker.console.web.rights import Right
from worker.console.web.server import Served, serving
from worker.model.errors import SettingsError
from worker.settings.console import ConsoleGroup
from worker.settings.settings import Settings
from worker.stopping import Stopping
from worker.terminal.text import say

log = structlog.get_logger()
UNTOLD = {"warning", "error"}
"""Levels that leave out who has opened a payload."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})


async def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT. SettingsError where it would listen for everybody."""
    stopping = Stopping()
    with_signals(stopping)
    async with opened(settings) as link:
        say(f"console: {link}")
        await stopping.wait()
    log.info("console.stopped")
    return 0


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[str]:
    """Yield the address that lets a person in. Raises SettingsError and StartupError."""
    given, guard = settings.console, guarded(settings.console)
    if Right.PAYLOAD in guard.rights and settings.log.level in UNTOLD:
        raise SettingsError("WORKER_LOG__LEVEL: info or debug where WORKER_CONSOLE__RIGHTS gives payload: it is logged")
    async with sources.opened(settings) as found:
        ways_in = entering.routes(guard.entry) if isinstance(guard.entry, Token) else ()
        routes, cookie = (*pages.ROUTES, *ways_in), f"customer-worker-{given.port}"
        async with serving(Served(found, guard, routes, given.prefix, cookie), given.host, given.port) as port:
            log.info("console.started", host=given.host, port=port)
            yield _link(given, guard, port)


def guarded(given: ConsoleGroup) -> Guard:
    """The guard by the settings. SettingsError names what is missing for listening beyond loopback."""
    if not is_loopback(given.host):
        if not given.token and not given.proxy_user_header:
            raise SettingsError(
                "WORKER_CONSOLE__HOST: beyond loopback the console takes WORKER_CONSOLE__TOKEN, or"
                " WORKER_CONSOLE__PROXY_USER_HEADER with WORKER_CONSOLE__TRUSTED_PROXIES"
            )
        if not given.allowed_hosts:
            raise SettingsError(
                "WORKER_CONSOLE__ALLOWED_HOSTS: required beyond loopback: the names that it is called by"
            )
    rights = {Right.ENTER, Right.VIEW, *(Right(each) for each in given.rights)}
    own = {_named(given.host)} if is_loopback(given.host) else set()
    return Guard(LOOPBACK | given.allowed_hosts | own, _entry(given), frozenset(rights))


def _entry(given: ConsoleGroup) -> Token | Proxy:
    if given.proxy_user_header:
        return Proxy(given.proxy_user_header, given.trusted_proxies)
    return Token(given.token.get_secret_value() if given.token else secrets.token_urlsafe(24))


def is_loopback(host: str) -> bool:
    """Whether the host can be reached only from this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _named(host: str) -> str:
    """The host as a browser names it in an address."""
    try:
        at = ip_address(host)
    except ValueError:
        return host
    return f"[{at}]" if at.version == 6 else str(at)


def _link(given: ConsoleGroup, guard: Guard, port: int) -> str:
    """The console's address. It holds only a token that was made at this start, as it is printed and may be logged."""
    host = _named(given.host) if is_loopback(given.host) else split(min(given.allowed_hosts))[0]
    address = f"http://{host}:{port}{given.prefix}"
    if isinstance(guard.entry, Token) and not given.token:
        return f"{address}/enter?token={guard.entry.secret}"
    return f"{address}/"
