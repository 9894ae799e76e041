"""A token endpoint; its tokens are unsigned, as Kafka's validator for trials takes them."""

import base64
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import orjson
from aiohttp import web

CLIENT_ID, CLIENT_SECRET = "worker id", "s3cret+of/the=client"


def unsigned(subject: str, lasts: float) -> str:
    """An unsigned JSON Web Token with an end but no beginning: with one it would be refused where a clock was set back
    meanwhile.
    """
    claims = {"sub": subject, "exp": time.time() + lasts}
    return f"{_part({'alg': 'none'})}.{_part(claims)}."


def _part(content: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(content)).rstrip(b"=").decode()


@dataclass
class TokenEndpoint:
    """Gives tokens of that subject to clients with the right secret; `answer` (status, body) replaces every answer."""

    subject: str
    lasts: float = 300.0
    url: str = ""
    answer: tuple[int, bytes] | None = None
    forms: list[dict[str, list[str]]] = field(default_factory=list)

    async def give(self, request: web.Request) -> web.Response:
        """Answer one request for a token."""
        self.forms.append(parse_qs(await request.text()))
        if self.answer:
            return web.Response(status=self.answer[0], body=self.answer[1], content_type="application/json")
        if not self._knows(request.headers.get("Authorization", "")):
            return web.json_response({"error": "invalid_client", "error_description": "do not repeat"}, status=401)
        token = unsigned(self.subject, self.lasts)
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": self.lasts})

    def _knows(self, login: str) -> bool:
        """Whether the login is right; both its parts are encoded like form values (RFC 6749, 2.3.1)."""
        given = base64.b64decode(login.removeprefix("Basic ")).decode()
        return given == "worker+id:s3cret%2Bof%2Fthe%3Dclient"


@asynccontextmanager
async def token_endpoint(subject: str, lasts: float = 300.0) -> AsyncIterator[TokenEndpoint]:
    """An endpoint that runs until the block ends."""
    endpoint = TokenEndpoint(subject, lasts)
    app = web.Application()
    app.router.add_post("/token", endpoint.give)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    endpoint.url = f"http://127.0.0.1:{runner.addresses[0][1]}/token"
    try:
        yield endpoint
    finally:
        await runner.cleanup()
