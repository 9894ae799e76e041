"""Calls to the API, in the place of our HTTP client: each goes on when whoever made it is gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

from yarl import URL

from worker.customer_api.access import Access
from worker.customer_api.http import Answer, LastLook
from worker.model.errors import ApiUnavailable, OutcomeUnknown

from .api import HIDDEN, NO_ANSWER, Api
from .loop import HERE, OUTSIDE


@asynccontextmanager
async def pooled(api: Api, access: Access, *_: Any) -> AsyncIterator["Http"]:
    """As `worker.customer_api.http.pooled`."""
    yield Http(api, access)


@dataclass(frozen=True, slots=True)
class Http:
    """As `worker.customer_api.http.Http`: says whether a request left."""

    api: Api
    access: Access

    async def request(
        self,
        method: str,
        url: URL,
        headers: dict[str, str],
        body: bytes | None = None,
        *,
        before_sending: LastLook | None = None,
        body_within: float | None = None,
    ) -> Answer:
        """The call goes on at the API when its caller is frozen, killed or out of patience."""
        del body_within
        api, manners = self.api, self.api.manners
        creates = method == "POST" and url.path.endswith("/customer")
        await asyncio.sleep(api.random.random() * 0.01)
        if api.happens(manners.unreachable):
            raise ApiUnavailable("cannot reach the API: connection refused")
        while before_sending and (wait := before_sending()):
            await asyncio.sleep(wait)
        if before_sending:
            api.sent.append(asyncio.get_running_loop().time())
        outside = copy_context()
        outside.run(HERE.set, OUTSIDE)
        call = asyncio.get_running_loop().create_task(self._call(method, url, headers, body), context=outside)
        call.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            with api.counted(creates):
                async with asyncio.timeout(self.access.request_timeout):
                    answer = await asyncio.shield(call)
        except (TimeoutError, ConnectionError) as error:
            if creates:
                api.note(body or b"{}", NO_ANSWER)
            raise OutcomeUnknown(f"no answer from the API: {type(error).__name__}") from error
        # Of what its caller never heard of, only a search can tell: that is hidden from nobody.
        api.unfindable.add(answer.headers.get(HIDDEN))
        return answer

    async def _call(self, method: str, url: URL, headers: dict[str, str], body: bytes | None) -> Answer:
        api, manners = self.api, self.api.manners
        await asyncio.sleep(api.random.expovariate(1 / manners.latency))
        if api.happens(manners.lost_before):
            raise ConnectionResetError
        if api.happens(manners.late):
            await asyncio.sleep(api.random.random() * self.access.request_timeout)
        answer = api.answer(method, url, headers, body)
        if api.happens(manners.lost_after):
            raise ConnectionResetError
        return answer
