"""The check of the schema registry, where one is set: reached, logged in, and the types of schemas that it keeps."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from worker.customer.documents import Unreadable
from worker.model.errors import SchemaRegistryUnavailable, WorkerError
from worker.tools.check.line import Check, Line


class Registry(Protocol):
    """A registry. Raises SchemaRegistryUnavailable while it does not answer."""

    async def types(self) -> list[str]: ...
    async def serves_guids(self) -> bool: ...


def registry(opened: Callable[[], AbstractAsyncContextManager[Registry] | None], url: str | None) -> Check:
    """The check of the registry: one line, or none without a registry."""

    async def check() -> AsyncIterator[Line]:
        if url is not None:
            yield await _asked(opened, url)

    return check


async def _asked(opened: Callable[[], AbstractAsyncContextManager[Registry] | None], url: str) -> Line:
    try:
        if (client := opened()) is None:
            raise SchemaRegistryUnavailable("there is none")
        async with client as asked:
            types, guids = await asked.types(), await asked.serves_guids()
    except (WorkerError, Unreadable) as error:
        return Line("schema registry", "failed", str(error), "see WORKER_EVENTS__REGISTRY_URL")
    found = f"{url} keeps schemas of the types {', '.join(sorted(types)) or '(none)'}"
    return Line("schema registry", "ok", f"{found}, by number{' and GUID' if guids else ', none by GUID'}")
