"""Lets in whoever shows the token: by the printed link, or by a form."""

import htpy as h

from worker.console.web import parts
from worker.console.web.answers import Answer, Barred, Entered, Page
from worker.console.web.asked import Asked
from worker.console.web.guard import Token
from worker.console.web.rights import Right
from worker.console.web.routes import Route


def routes(token: Token) -> tuple[Route, ...]:
    """The routes for the two ways in."""

    async def by_link(asked: Asked) -> Answer:
        return _let_in(asked, asked.one("token"), asked.one("to"))

    async def by_form(asked: Asked) -> Answer:
        return _let_in(asked, asked.form.get("token"), asked.form.get("to"))

    def _let_in(asked: Asked, shown: str | None, to: str | None) -> Answer:
        if not token.fits((shown or "").strip()):
            raise Barred("this is not the token: it is printed when the console starts, or is WORKER_CONSOLE__TOKEN")
        return Entered(asked.prefix + (to if to and is_ours(to) else "/"))

    return Route("GET", "/enter", Right.ENTER, by_link), Route("POST", "/enter", Right.ENTER, by_form)


def is_ours(address: str) -> bool:
    """Whether the address leads to this console, however a browser reads it."""
    plain = address.isascii() and address.isprintable() and "\\" not in address
    return plain and address.startswith("/") and not address.startswith("//")


def form(asked: Asked, why: str, to: str) -> Page:
    """A page that asks for the token, and then goes on to `to`."""
    body = h.form(method="post", action=asked.link("/enter"))[
        h.input(type="hidden", name="to", value=to),
        h.label["Token ", h.input(type="password", name="token", autocomplete="off", required=True, size="40")],
        parts.button("Enter"),
    ]
    again = h.p[
        "If you have entered before: ",
        h.a(href=asked.prefix + to if is_ours(to) else asked.link("/"))["open it again"],
        ".",
    ]
    return Page("Who are you?", h.fragment[parts.notice("wait", f"{why[:1].upper()}{why[1:]}."), body, again], 401)
