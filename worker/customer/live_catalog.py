"""The configured values as the API itself lists them (Get Customer Attributes), kept fresh in the background."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Final, Protocol, get_args

import orjson
import structlog

from worker.customer.catalog import Attribute, Catalog, Choice, Scope
from worker.model.errors import WorkerError

log = structlog.get_logger()

QUESTIONS: Final = ("type", "country", "industry", "level", "contactPersons", "custom")
"""The names that `$attribute` is asked for; departments cannot be asked for."""

_CHOICES: Final[dict[str, Choice]] = {
    "group.type": "group_types",
    "group.region": "group_regions",
    "country": "countries",
    "industry": "industries",
    "level": "levels",
    "contactPerson.type": "contact_types",
    "contactPerson.identification.type": "identification_types",
}


class Attributes(Protocol):
    """The API's list of what is configured."""

    async def attributes(self, name: str) -> bytes:
        """The JSON answer to `GET .../customer/attributes?$attribute=<name>`. Raises a `WorkerError`."""


class LiveCatalog:
    """A catalog that asks the API. It knows nothing before its first refresh; what a refresh cannot renew stays."""

    def __init__(self, api: Attributes) -> None:
        self._api = api
        self._parts: dict[str, dict[str, Attribute]] = {}
        self._catalog = Catalog()

    def values(self, choice: Choice) -> frozenset[str] | None:
        """The configured values of that kind; None where they are not known."""
        return self._catalog.values(choice)

    def attributes(self, scope: Scope) -> Mapping[str, Attribute] | None:
        """The custom attributes of that level; None where they are not known."""
        return self._catalog.attributes(scope)

    async def refresh(self) -> bool:
        """Ask for everything once; True if all answers could be read."""
        complete = True
        for question in QUESTIONS:
            try:
                self._parts[question] = dict(_entries(await self._api.attributes(question)))
            except (WorkerError, ValueError) as error:
                log.warning("catalog.refresh_failed", attribute=question, error=type(error).__name__)
                complete = False
        self._catalog = _catalog({name: entry for part in self._parts.values() for name, entry in part.items()})
        return complete

    async def keep_fresh(self, interval: float) -> None:
        """Refresh now and every `interval` seconds, until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(interval)


async def customer_attributes(api: Attributes) -> Mapping[str, Attribute] | None:
    """The custom attributes of a customer; None where none is listed. Raises ValueError where the answer is no list."""
    return _below("customAttributes.customer.", dict(_entries(await api.attributes("custom"))))


def _catalog(entries: Mapping[str, Attribute]) -> Catalog:
    """The catalog of these entries; a kind without any value counts as not known."""
    lists = {
        choice: entries[name].values for name, choice in _CHOICES.items() if name in entries and entries[name].values
    }
    custom = {scope: _below(f"customAttributes.{scope}.", entries) for scope in get_args(Scope)}
    return Catalog.model_validate({**lists, "custom_attributes": custom})


def _below(prefix: str, entries: Mapping[str, Attribute]) -> dict[str, Attribute] | None:
    return {name.removeprefix(prefix): each for name, each in entries.items() if name.startswith(prefix)} or None


def _entries(body: bytes) -> Iterator[tuple[str, Attribute]]:
    """The name and content of each `{"name", "type"?, "value": [..]}`.

    No readable page shows the answer's shape, so nothing else in it is relied on.
    """
    document = orjson.loads(body) if body.strip() else {"attribute": []}
    listed = document.get("attribute") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise ValueError("the answer lists no attributes")  # noqa: TRY004  # what was answered is wrong, not our call
    for entry in listed:
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            values = entry.get("value") or ()
            yield entry["name"], Attribute.model_validate({"type": entry.get("type", "string"), "values": values})
