"""Steers a sandbox that runs elsewhere, by its control endpoints."""

from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from worker.model.errors import ApiUnavailable, StartupError
from worker.sandbox.api import Fault
from worker.sandbox.api.control import MAX_PAGE, PREFIX

WITHIN = aiohttp.ClientTimeout(total=10)


@asynccontextmanager
async def remote_sandbox(base_url: str) -> AsyncIterator["RemoteSandbox"]:
    """Connect to a sandbox. StartupError where another API answers, as customers would really be created there."""
    async with aiohttp.ClientSession(timeout=WITHIN) as session:
        sandbox = RemoteSandbox(base_url, session)
        await sandbox.duplicates()
        yield sandbox


@dataclass(frozen=True, slots=True)
class RemoteSandbox:
    """A sandbox that runs elsewhere. Every call raises ApiUnavailable, or StartupError if it is no sandbox."""

    base_url: str
    session: aiohttp.ClientSession

    async def duplicates(self) -> int:
        """How many identities have more than one customer."""
        return int((await self._call("GET", "/summary"))["duplicates"])

    async def script(self, faults: Iterable[Fault]) -> None:
        """Put the faults in force; they are when this returns."""
        await self._call("POST", "/faults", [fault.model_dump(mode="json", exclude_unset=True) for fault in faults])

    async def created_for(self, identities: Collection[str]) -> dict[str, tuple[str, ...]]:
        """The ids of the customers that were created for each of these identities."""
        return {identity: tuple([each async for each in self._customers(identity)]) for identity in identities}

    async def _customers(self, identity: str) -> AsyncIterator[str]:
        after: int | None = 0
        while after is not None:
            query = f"?identity={identity}&created=true&limit={MAX_PAGE}&after={after}"
            page = await self._call("GET", f"/ledger{query}")
            for entry in page["entries"]:
                yield entry["customerId"]
            after = page["next"]

    async def _call(self, method: str, path: str, document: object = None) -> dict[str, Any]:
        try:
            async with self.session.request(method, f"{self.base_url}{PREFIX}{path}", json=document) as answer:
                if answer.status == 200 and answer.content_type == "application/json":
                    figures: dict[str, Any] = await answer.json()
                    return figures
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ApiUnavailable(f"the sandbox on {self.base_url}: {type(error).__name__}") from error
        raise StartupError(f"{self.base_url} is no sandbox; a trial would make customers there (WORKER_API__BASE_URL)")
