"""The control endpoints, under a prefix that the real API does not have."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from worker.sandbox.api.answers import Answer, plain
from worker.sandbox.api.fault_script import WrongFaults, read_faults
from worker.sandbox.api.faults import TooManyFaults
from worker.sandbox.api.incoming import Incoming
from worker.sandbox.api.ledger import Entry
from worker.sandbox.api.state import Sandbox

PREFIX = "/_sandbox"
PAGE = 100
MAX_PAGE = 1000
MAX_LOOKED_AT = 100_000

_FILTERS = {"identity", "customerId", "status", "created", "replyLost"}


class WrongControl(Exception):
    """A control call is wrong; the text says why."""


class Control:
    """Reads the ledger and the figures; sets faults, outage, permissions; ends sessions."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._calls: dict[tuple[str, str], Callable[[Incoming], Awaitable[Any]]] = {
            ("GET", "/ledger"): self._ledger,
            ("GET", "/summary"): self._summary,
            ("GET", "/faults"): self._faults,
            ("POST", "/faults"): self._add_faults,
            ("DELETE", "/faults"): self._clear_faults,
            ("POST", "/outage"): self._begin_outage,
            ("DELETE", "/outage"): self._end_outage,
            ("POST", "/sessions/expire"): self._expire_sessions,
            ("POST", "/permissions"): self._permit,
        }

    async def answer(self, call: Incoming) -> Answer:
        """Answer in JSON, whatever format was asked for; a wrong call gets a 400 with a `message`."""
        asked = self._calls.get((call.request.method, call.request.path.removeprefix(PREFIX)))
        if asked is None:
            return plain(404, {"calls": [f"{method} {PREFIX}{path}" for method, path in self._calls]})
        try:
            return plain(200, await asked(call))
        except (WrongControl, WrongFaults) as wrong:
            return plain(400, {"message": str(wrong)})
        except TooManyFaults:
            return plain(400, {"message": "there are too many faults in force: DELETE some first"})

    async def _summary(self, _: Incoming) -> object:
        return self._sandbox.summary()

    async def _faults(self, _: Incoming) -> object:
        return {"faults": [each.as_dict() for each in self._sandbox.faults.active]}

    async def _add_faults(self, call: Incoming) -> object:
        return {"added": [self._sandbox.faults.add(fault) for fault in read_faults(await _document(call))]}

    async def _clear_faults(self, _: Incoming) -> object:
        return {"removed": self._sandbox.faults.clear()}

    async def _begin_outage(self, call: Incoming) -> object:
        mode = (await _fields(call, {"mode"})).get("mode", "refuse")
        if mode not in ("refuse", "drop"):
            raise WrongControl("mode: must be refuse or drop")
        self._sandbox.outage = mode
        return {"outage": mode}

    async def _end_outage(self, _: Incoming) -> object:
        self._sandbox.outage = None
        return {"outage": None}

    async def _expire_sessions(self, call: Incoming) -> object:
        user = (await _fields(call, {"user"})).get("user")
        if user is not None and user not in self._sandbox.config.users:
            raise WrongControl("user: no such user")
        return {"expired": self._sandbox.sessions.expire(user)}

    async def _permit(self, call: Incoming) -> object:
        fields = await _fields(call, {"create", "search"})
        if not all(isinstance(value, bool) for value in fields.values()):
            raise WrongControl("create, search: must be true or false")
        self._sandbox.may_create = fields.get("create", self._sandbox.may_create)
        self._sandbox.may_search = fields.get("search", self._sandbox.may_search)
        return {"create": self._sandbox.may_create, "search": self._sandbox.may_search}

    async def _ledger(self, call: Incoming) -> object:
        """A page of entries. If `next` is set there may be more: ask again with `after` set to it."""
        query = dict(call.request.query)
        after, limit = _number(query, "after", 0), min(_number(query, "limit", PAGE), MAX_PAGE)
        if unknown := set(query) - _FILTERS:
            raise WrongControl(f"unknown filter {', '.join(sorted(unknown))}; there are {', '.join(sorted(_FILTERS))}")
        page, reached = self._page(query, after, limit)
        return {
            "total": len(self._sandbox.ledger),
            "executions": {each.identity: self._sandbox.ledger.executions(each.identity) for each in page},
            "entries": [_told(each) for each in page],
            "next": reached if reached < len(self._sandbox.ledger) else None,
        }

    def _page(self, filters: dict[str, str], after: int, limit: int) -> tuple[list[Entry], int]:
        """The entries of one page and the sequence reached.

        Looks at a bounded number of entries, so that no call waits.
        """
        page: list[Entry] = []
        end = min(after + MAX_LOOKED_AT, len(self._sandbox.ledger))
        for sequence in range(after + 1, end + 1):
            if len(page) >= limit:
                return page, sequence - 1
            entry = self._sandbox.ledger[sequence]
            if _passes(entry, filters):
                page.append(entry)
        return page, end


def _told(entry: Entry) -> dict[str, Any]:
    return {
        "sequence": entry.sequence,
        "time": entry.time,
        "identity": entry.identity,
        "customerId": None if entry.customer_id is None else str(entry.customer_id),
        "status": entry.status,
        "replyLost": entry.reply_lost,
        "digest": entry.digest,
    }


def _passes(entry: Entry, filters: dict[str, str]) -> bool:
    told = {
        "identity": entry.identity,
        "customerId": str(entry.customer_id),
        "status": str(entry.status),
        "created": str(entry.customer_id is not None).lower(),
        "replyLost": str(entry.reply_lost).lower(),
    }
    return all(told[name] == wanted for name, wanted in filters.items())


def _number(query: dict[str, str], name: str, default: int) -> int:
    given = query.pop(name, str(default))
    if not (given.isascii() and given.isdecimal() and len(given) < 10):
        raise WrongControl(f"{name}: must be a number")
    return int(given)


async def _document(call: Incoming) -> object:
    try:
        return orjson.loads(await call.read() or b"{}")
    except ValueError:
        raise WrongControl("the body must be JSON") from None


async def _fields(call: Incoming, names: set[str]) -> dict[str, Any]:
    document = await _document(call)
    if not isinstance(document, dict) or not set(document) <= names:
        raise WrongControl(f"the body must be a JSON object of {', '.join(sorted(names))}")
    return document
