"""Asks every replica for `/status` at once: within two seconds, with bounded answers, without redirects or proxies."""

import asyncio
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import aiohttp
import orjson

from worker.console.now.replicas import Replica, Silent, replica

WITHIN = 2.0
MOST = 64
LARGEST = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Fleet:
    """The replicas that answered, and the addresses that did not; `left_out` addresses were too many to be asked."""

    replicas: tuple[Replica, ...] = ()
    silent: tuple[Silent, ...] = ()
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """One address that a name resolves to; `family` is its address family."""

    name: str
    host: str
    port: int
    family: int

    @property
    def address(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


async def ask(names: Sequence[str]) -> Fleet:
    """Ask all of them. Never raises: an address that does not answer is among `silent`."""
    targets, unknown = await _resolved(names)
    asked = targets[:MOST]
    timeout = aiohttp.ClientTimeout(total=WITHIN)
    cookies, connector = aiohttp.DummyCookieJar(), aiohttp.TCPConnector(limit=MOST, force_close=True)
    async with aiohttp.ClientSession(
        timeout=timeout, cookie_jar=cookies, connector=connector, trust_env=False
    ) as session:
        answers = await asyncio.gather(*(_status(session, each.address) for each in asked))
    told = [*unknown, *_of_one_family(list(zip(asked, answers, strict=True)))]
    return _once(told, len(targets) - len(asked))


async def _resolved(names: Sequence[str]) -> tuple[list[Target], list[Silent]]:
    """The addresses of these names, each once, and the names that do not resolve."""
    found = await asyncio.gather(*(_addresses(name) for name in names))
    targets = [target for each in found if not isinstance(each, Silent) for target in each]
    seen = {(each.host, each.port): each for each in reversed(targets)}
    return list(reversed(seen.values())), [each for each in found if isinstance(each, Silent)]


async def _addresses(name: str) -> list[Target] | Silent:
    host, _, port = name.rpartition(":")
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(WITHIN):
            found = await loop.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
    except TimeoutError:
        return Silent(name, "its name was not resolved in time")
    except (OSError, UnicodeError):
        return Silent(name, "no such host")
    return [Target(name, str(at[0]), int(at[1]), family) for family, *_, at in found]


async def _status(session: aiohttp.ClientSession, address: str) -> Replica | Silent:
    try:
        async with session.get(f"http://{address}/status", allow_redirects=False) as answer:
            if answer.status != 200:
                return Silent(address, f"answered {answer.status}")
            body = await _bounded(answer.content)
    except TimeoutError:
        return Silent(address, f"no answer within {WITHIN:g} s")
    except aiohttp.ClientConnectorError:
        return Silent(address, "no connection")
    except (aiohttp.ClientError, ValueError) as error:
        return Silent(address, f"no answer that can be read: {type(error).__name__}")
    return _read(address, body)


async def _bounded(content: aiohttp.StreamReader) -> bytes | None:
    body = bytearray()
    async for chunk in content.iter_any():
        body += chunk
        if len(body) > LARGEST:
            return None
    return bytes(body)


def _read(address: str, body: bytes | None) -> Replica | Silent:
    try:
        told = orjson.loads(body or b"")
    except orjson.JSONDecodeError:
        told = None
    if not isinstance(told, dict) or "state" not in told:
        return Silent(address, "answers, and is no worker of ours")
    return replica(address, told)


def _of_one_family(answers: Iterable[tuple[Target, Replica | Silent]]) -> list[Replica | Silent]:
    """The answers of one address family for each name, the one with more answers: a replica may have an IPv4 and an
    IPv6 address.
    """
    kept: list[Replica | Silent] = []
    for _, same in groupby(answers, key=lambda each: each[0].name):
        families: dict[int, list[Replica | Silent]] = {}
        for target, answer in same:
            families.setdefault(target.family, []).append(answer)
        kept += max(families.values(), key=lambda each: sum(isinstance(one, Replica) for one in each))
    return kept


def _once(told: Iterable[Replica | Silent], left_out: int) -> Fleet:
    """The fleet, in which a replica with several addresses counts once, if it says which instance it is."""
    replicas: dict[object, Replica] = {}
    silent = []
    for each in told:
        if isinstance(each, Silent):
            silent.append(each)
        else:
            replicas.setdefault((each.instance, each.started) if each.instance else each.address, each)
    return Fleet(tuple(replicas.values()), tuple(silent), left_out)
