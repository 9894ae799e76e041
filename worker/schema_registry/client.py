"""Asks a registry for schemas by number or GUID, with all that they refer to, and for the newest one of a subject."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple, get_args
from urllib.parse import quote
from uuid import UUID

from worker.customer.documents import Unreadable
from worker.events.registered.schema import Read, Referred, Schema, SchemaType, reader_of
from worker.events.registered.wire import HEADER, SchemaKey
from worker.model.errors import SchemaRegistryUnavailable
from worker.schema_registry.http import Access, Http, NotServed, NotTaken, Unknown, asked
from worker.schema_registry.protoc import compiled

_TYPES: Final[tuple[SchemaType, ...]] = get_args(SchemaType)
_MOST_REFERENCES: Final = 200
MOST_NUMBERS: Final = 2**31 - 1
SCHEMA: Final = "this schema"
NOBODYS: Final = UUID(int=0)
"""A GUID that no schema has."""


class Version(NamedTuple):
    """The schema of a subject, and the number by which values name it."""

    id: int
    schema: Schema


class Registry:
    """A client of the registry.

    It raises SchemaRegistryUnavailable while the registry does not answer, and Unreadable where that says that there is
    no such schema.
    """

    def __init__(self, http: Http) -> None:
        self._http = http

    async def types(self) -> list[str]:
        """The types of schemas that the registry keeps."""
        found = await self._asked("/schemas/types", "its types of schemas")
        return [str(each) for each in found] if isinstance(found, list) else []

    async def reader(self, key: SchemaKey) -> Read:
        """The reader of values with that schema. Raises Unreadable also where the schema cannot be used."""
        schema = await self.schema(key)
        return reader_of(schema)

    async def schema(self, key: SchemaKey) -> Schema:
        """The schema with all that it refers to, compiled if it is Protobuf."""
        found = await (self._by_guid(key) if isinstance(key, UUID) else self._by_number(key))
        return await self._complete(found)

    async def serves_guids(self) -> bool:
        """Whether the registry serves schemas by GUID, and not only by number: not every registry knows that path."""
        try:
            await self._http.get(f"/schemas/guids/{NOBODYS}")
        except Unknown:
            return True
        except NotServed:
            return False
        return True

    async def _by_number(self, number: int) -> Any:  # noqa: ANN401  any JSON
        """The schema of that number. Raises Unreadable where there is none.

        Most registries count up to 2**31: to them a greater number is an unknown path, and not a schema that is
        missing.
        """
        try:
            return await self._asked(f"/schemas/ids/{number}", SCHEMA)
        except (NotServed, NotTaken):
            if number <= MOST_NUMBERS or not await self._is_registry():
                raise
        raise Unreadable("the registry has no schema of that number")

    async def _by_guid(self, guid: UUID) -> Any:  # noqa: ANN401  any JSON
        """The schema of that GUID.

        A registry that serves no GUIDs raises SchemaRegistryUnavailable: it may have the schema.
        """
        try:
            return await self._asked(f"/schemas/guids/{guid}", SCHEMA)
        except NotServed:
            if not await self._is_registry():
                raise
        raise SchemaRegistryUnavailable(
            f"the registry serves no schemas by GUID, and a record names {guid} in its header {HEADER} or before its "
            "value: let producers write the number before the value, or name a registry that serves them"
        )

    async def _is_registry(self) -> bool:
        """Whether that address answers what every registry does."""
        try:
            return isinstance(await self._http.get("/schemas/types"), list)
        except (Unknown, NotServed, NotTaken):
            return False

    async def newest(self, subject: str) -> Version:
        """The newest schema of the subject, by which its new values are written."""
        found = await self._asked(f"/subjects/{quote(subject, safe='')}/versions/latest", f"the subject {subject}")
        schema = await self._complete(found)
        if type(number := found.get("id")) is not int:
            raise _no_registry()
        return Version(number, schema)

    async def _asked(self, path: str, what: str) -> Any:  # noqa: ANN401  any JSON
        try:
            return await self._http.get(path)
        except Unknown:
            raise Unreadable(f"the registry says that it does not have {what}") from None

    async def _complete(self, found: Any) -> Schema:  # noqa: ANN401  what a registry answered
        schema_type, text = _told(found)
        references = tuple([each async for each in self._references(found, set())])
        descriptors = await compiled(text, references) if schema_type == "PROTOBUF" else b""
        return Schema(schema_type, text, references, descriptors)

    async def _references(self, found: Any, seen: set[str]) -> AsyncIterator[Referred]:  # noqa: ANN401  as above
        """Each schema that is referred to, once, and what it refers to itself before it."""
        for name, subject, version in _named(found):
            if name in seen:
                continue
            seen.add(name)
            if len(seen) > _MOST_REFERENCES:
                raise Unreadable(f"it refers to more than {_MOST_REFERENCES} others")
            what = f"what it refers to: version {version} of {subject}"
            referred = await self._asked(f"/subjects/{quote(subject, safe='')}/versions/{version}", what)
            async for each in self._references(referred, seen):
                yield each
            yield Referred(name, _told(referred)[1])


def _told(found: Any) -> tuple[SchemaType, str]:  # noqa: ANN401  what a registry answered
    match found:
        case {"schema": str(text)}:
            return _type(found.get("schemaType")), text
        case _:
            raise _no_registry()


def _type(told: object) -> SchemaType:
    """The schema's type; none is named for Avro, which was the first one."""
    for known in _TYPES:
        if told == known:
            return known
    if told is None:
        return "AVRO"
    raise Unreadable(f"its type is none of {', '.join(_TYPES)}")


def _named(found: Any) -> list[tuple[str, str, int]]:  # noqa: ANN401  as above
    try:
        return [
            (str(each["name"]), str(each["subject"]), int(each["version"])) for each in found.get("references") or ()
        ]
    except (KeyError, TypeError, ValueError):
        raise _no_registry() from None


def _no_registry() -> SchemaRegistryUnavailable:
    return SchemaRegistryUnavailable("the answer is none of a schema registry (see WORKER_EVENTS__REGISTRY_URL)")


@asynccontextmanager
async def schema_registry(access: Access) -> AsyncIterator[Registry]:
    """A client of the registry."""
    async with asked(access) as http:
        yield Registry(http)
