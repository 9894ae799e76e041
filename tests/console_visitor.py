"""Stands in for a browser: opens the console's pages, follows redirects and sends forms."""

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urljoin

import aiohttp

from worker.console import pages, sources
from worker.console.serve import LOOPBACK
from worker.console.web.guard import Guard, Token
from worker.console.web.rights import Right
from worker.console.web.server import Served, serving
from worker.settings.settings import Settings

TOKEN = Token("token-of-a-test-1")
FORM = re.compile(r"<form\b[^>]*>.*?</form>", re.DOTALL)
FIELD = re.compile(r"<input\b[^>]*>")
ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')


@dataclass
class Form:
    """One form of a page, with the values that it holds."""

    action: str
    method: str
    fields: dict[str, str]
    text: str


@dataclass
class Shown:
    """A page as it was received."""

    status: int
    address: str
    text: str

    @property
    def plain(self) -> str:
        """The page's text without markup."""
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", self.text)).split())

    def forms(self) -> list[Form]:
        """All forms of the page."""
        return [_form(each) for each in FORM.findall(self.text)]

    def form(self, button: str) -> Form:
        """The form with that button."""
        return next(each for each in self.forms() if f">{button}" in each.text)

    def links(self) -> list[str]:
        """The addresses of all links."""
        return [html.unescape(each) for each in re.findall(r'<a [^>]*href="([^"]*)"', self.text)]


def _form(text: str) -> Form:
    given = dict(ATTRIBUTE.findall(text.partition(">")[0]))
    inputs = [dict(ATTRIBUTE.findall(each)) for each in FIELD.findall(text)]
    fields = {each["name"]: html.unescape(each.get("value", "")) for each in inputs if "name" in each}
    return Form(html.unescape(given["action"]), given["method"], fields, text)


@dataclass
class Visitor:
    """One browser; several requests at once are like several tabs."""

    session: aiohttp.ClientSession
    base: str

    async def open(self, address: str, *, json: bool = False) -> Shown:
        """Open a page as a person does, or with `json` as the page's own script does."""
        headers = {"Accept": "application/json"} if json else {}
        async with self.session.get(urljoin(self.base, address), headers=headers) as answer:
            return Shown(answer.status, str(answer.url.relative()), await answer.text())

    async def send(self, form: Form, **fields: str) -> Shown:
        """Send the form as if its button was pressed, with some fields changed."""
        data, headers = {**form.fields, **fields}, {"Sec-Fetch-Site": "same-origin"}
        async with self.session.post(urljoin(self.base, form.action), data=data, headers=headers) as answer:
            return Shown(answer.status, str(answer.url.relative()), await answer.text())


@asynccontextmanager
async def visiting(base: str, cookie: str = "customer-worker-console", token: Token = TOKEN) -> AsyncIterator[Visitor]:
    """A visitor who is let in already by the token's cookie."""
    headers = {"Cookie": f"{cookie}={token.cookie()}"}
    async with aiohttp.ClientSession(headers=headers, cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield Visitor(session, base)


@asynccontextmanager
async def consoled(settings: Settings, rights: frozenset[Right] = frozenset(Right)) -> AsyncIterator[Visitor]:
    """A console in this process, and a visitor to it."""
    async with sources.opened(settings) as opened:
        console = Served(opened, Guard(LOOPBACK, TOKEN, rights), pages.ROUTES)
        async with serving(console, "127.0.0.1", 0) as port, visiting(f"http://127.0.0.1:{port}/") as visitor:
            yield visitor
