"""Serves the console over HTTP: every request is judged in one place, every answer has the same headers.

What is no valid request, such as a line with an impossible byte, is refused by aiohttp itself, without these headers.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final, assert_never

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from worker.console.sources import Sources
from worker.console.web import entering, failing, page
from worker.console.web.answers import Answer, Barred, Bounced, Entered, Moved, NotEntered, NotShown, Page, Raw
from worker.console.web.asked import Asked, lists
from worker.console.web.guard import LASTS, SAFE, Guard, Head, Proxy, Token
from worker.console.web.rights import STRANGER, Right, Who
from worker.console.web.routes import Route
from worker.ops.listening import listen

log = structlog.get_logger()
CLOSE_WITHIN = 1.0
LARGEST_FORM = 64 * 1024
CSP: Final = "; ".join(
    (
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("script", "style", "img", "connect")),
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS: Final = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not `no-referrer`: with that a browser sends the forms of our own pages with `Origin: null`.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "customer-worker",
}
JSON = "application/json"
UTF_8 = "utf-8"


@dataclass(frozen=True, slots=True)
class Served:
    """What is served, to whom, from what. `cookie` is the name of the cookie for those who have shown the token."""

    sources: Sources
    guard: Guard
    routes: tuple[Route, ...]
    prefix: str = ""
    cookie: str = "customer-worker-console"

    def application(self) -> web.Application:
        """An application with these routes alone, below the prefix if there is one."""
        known: dict[web.AbstractRoute, Route] = {}

        @web.middleware
        async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._answered(request, known.get(request.match_info.route))

        app = web.Application(client_max_size=LARGEST_FORM, middlewares=[answered])
        for route in self.routes:
            for method in ("GET", "HEAD") if route.method == "GET" else (route.method,):
                known[app.router.add_route(method, self.prefix + route.path, _never)] = route
        return app

    async def _answered(self, request: web.Request, route: Route | None) -> web.StreamResponse:
        """Answer a request; all go this way, also those to unknown addresses."""
        began = time.monotonic()
        path = request.path.removeprefix(self.prefix) or "/"
        asked = Asked(path, STRANGER, self.sources, self.prefix)
        try:
            who = self.guard.admit(self._head(request), route.right if route else Right.VIEW)
            asked = replace(asked, who=who, parts=dict(request.match_info), query=lists(request.query))
            response = self._response(await self._handled(request, route, asked), asked, request)
        except Exception as error:  # noqa: BLE001  whatever it is, it is told without its text, and with our headers
            if isinstance(error, Barred) and error.who:
                asked = replace(asked, who=error.who)
            response = self._response(self._failure(error, request, route, asked), asked, request)
            if isinstance(error, web.HTTPMethodNotAllowed):
                response.headers[hdrs.ALLOW] = error.headers[hdrs.ALLOW]
        _tell(request.method, route, response.status, asked.who, time.monotonic() - began)
        return response

    async def _handled(self, request: web.Request, route: Route | None, asked: Asked) -> Answer:
        if route is None:
            raise request.match_info.http_exception or web.HTTPNotFound()
        async with asyncio.timeout(route.within):
            return await route.handler(replace(asked, form=await _form(request)))

    def _head(self, request: web.Request) -> Head:
        entry, headers = self.guard.entry, request.headers
        users = headers.getall(entry.header, []) if isinstance(entry, Proxy) else []
        return Head(
            request.method,
            headers.get(hdrs.HOST, ""),
            headers.get(hdrs.ORIGIN),
            headers.get("Sec-Fetch-Site"),
            request.remote,
            users[0] if len(users) == 1 else None,  # a proxy that adds its own leaves somebody else's before it
            request.cookies.get(self.cookie),
        )

    def _failure(self, error: Exception, request: web.Request, route: Route | None, asked: Asked) -> Answer:
        is_form = request.method not in SAFE
        match error:
            case NotEntered() if route and _is_from_elsewhere(request) and entering.is_ours(request.path_qs):
                # A strict cookie does not come with a click on another site, but it does with the next request, from
                # our own page.
                return Bounced(request.path_qs)
            case NotEntered() if isinstance(self.guard.entry, Token):
                return entering.form(asked, str(error), "/" if is_form else request.path_qs.removeprefix(self.prefix))
            case web.HTTPException():
                why = NotShown(_UNTAKEN.get(error.status, "it is not known how"))
                return replace(failing.page(why, is_form=is_form), status=error.status)
            case _:
                return failing.page(error, is_form=is_form)

    def _response(self, answer: Answer, asked: Asked, request: web.Request) -> web.Response:
        if _wants_numbers(request) and isinstance(answer, Moved):
            answer = Page("Elsewhere", None)
        match answer:
            case Page(status=200) if _wants_numbers(request):
                return _numbers(answer, request)
            case Page():
                return _html(page.document(answer, asked), answer.status)
            case Bounced(to):
                return _html(page.bounce(to, asked), 200)
            case Entered(to):
                return self._let_in(_html(page.bounce(to, asked), 200), request)
            case Moved(to):
                return web.Response(status=303, headers={**HEADERS, hdrs.LOCATION: to})
            case Raw():
                return _file(answer, request)
            case _:
                assert_never(answer)

    def _let_in(self, response: web.Response, request: web.Request) -> web.Response:
        if isinstance(self.guard.entry, Token):
            secure = request.secure or request.headers.get(hdrs.X_FORWARDED_PROTO) == "https"
            path, value = f"{self.prefix}/", self.guard.entry.cookie()
            response.set_cookie(
                self.cookie, value, max_age=LASTS, path=path, httponly=True, samesite="Strict", secure=secure
            )
        return response


_UNTAKEN: Final = {
    400: "this form cannot be read",
    404: "there is no such page",
    405: "this address does not take that method",
    413: "this is too much for one form",
    415: "only the forms of these pages are taken",
}


async def _never(_: web.Request) -> web.Response:
    """Never called: the middleware answers."""
    raise AssertionError


def _is_from_elsewhere(request: web.Request) -> bool:
    """Whether somebody followed a link from another site."""
    asked = request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Site")
    return request.method == "GET" and asked == ("navigate", "cross-site")


async def _form(request: web.Request) -> dict[str, str]:
    """The texts of a posted form; our pages send no files."""
    if request.method in SAFE:
        return {}
    if request.content_type != "application/x-www-form-urlencoded":
        raise web.HTTPUnsupportedMediaType
    # Other encodings, such as UTF-7, may give texts that cannot be encoded again.
    if (request.charset or UTF_8).lower() != UTF_8:
        raise web.HTTPBadRequest
    try:
        return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    except (UnicodeError, web.RequestPayloadError, ConnectionError):  # the last: whoever sent it has left meanwhile
        raise web.HTTPBadRequest from None


def _wants_numbers(request: web.Request) -> bool:
    """The module of a page asks for what has changed in it."""
    return request.method in SAFE and JSON in request.headers.get(hdrs.ACCEPT, "")


def _numbers(shown: Page, request: web.Request) -> web.Response:
    """No browser keeps them: going back to the page's address it would show them in place of the page."""
    body = page.fresh(shown)
    return _file(Raw(body, JSON, hashlib.sha256(body).hexdigest()[:16]), request, kept=False)


def _html(text: str, status: int) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html", charset="utf-8", headers=HEADERS)


def _file(raw: Raw, request: web.Request, *, kept: bool = True) -> web.Response:
    """A file that the browser keeps, unless `kept` is False, and revalidates at each use."""
    headers = {**HEADERS, hdrs.CONTENT_TYPE: raw.content_type}
    if raw.etag:
        headers[hdrs.ETAG] = f'"{raw.etag}"'
        if kept:
            headers[hdrs.CACHE_CONTROL] = "private, no-cache"
        if any(each.value == raw.etag for each in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
    return web.Response(body=raw.body, headers=headers)


def _tell(method: str, route: Route | None, status: int, who: Who, seconds: float) -> None:
    """Log a request by its route's pattern, never by the address, into which anything may be written."""
    path, seconds = route.path if route else None, round(seconds, 3)
    if status >= 500:
        log.error("page.failed", method=method, route=path, status=status, seconds=seconds, by=who.name)
    elif status >= 400:
        log.warning("page.refused", method=method, route=path, status=status, seconds=seconds, by=who.name)
    elif method not in SAFE:
        log.info("page.posted", method=method, route=path, status=status, seconds=seconds, by=who.name)
    else:
        log.debug("page.answered", method=method, route=path, status=status, seconds=seconds)


@asynccontextmanager
async def serving(served: Served, host: str, port: int) -> AsyncIterator[int]:
    """Listen from now on; yields the port's number. Raises StartupError where that is not possible."""
    runner = web.AppRunner(served.application(), access_log=None, shutdown_timeout=CLOSE_WITHIN)
    await runner.setup()
    try:
        await listen(runner, host, port, group="WORKER_CONSOLE")
        bound: int = runner.addresses[0][1]
        yield bound
    finally:
        await runner.cleanup()
