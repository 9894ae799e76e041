"""What a registry knows: schemas by number or GUID with all that they refer to, and the newest one of a subject."""

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
"""No schema has it."""


class Version(NamedTuple):
    """The schema of a subject, and the number that values name it by."""

    id: int
    schema: Schema


class Registry:
    """Raises SchemaRegistryUnavailable until it answers, and Unreadable once it says that there is no such schema."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def types(self) -> list[str]:
        """The types of schemas that it keeps."""
        found = await self._asked("/schemas/types", "its types of schemas")
        return [str(each) for each in found] if isinstance(found, list) else []

    async def reader(self, key: SchemaKey) -> Read:
        """What reads values of that schema; Unreadable also for a schema by which nothing can be read."""
        schema = await self.schema(key)
        return reader_of(schema)

    async def schema(self, key: SchemaKey) -> Schema:
        """With what it refers to, and compiled where it has to be."""
        found = await (self._by_guid(key) if isinstance(key, UUID) else self._by_number(key))
        return await self._complete(found)

    async def serves_guids(self) -> bool:
        """Whether schemas can be asked for by GUID, as by number: not every registry knows that path."""
        try:
            await self._http.get(f"/schemas/guids/{NOBODYS}")
        except Unknown:
            return True
        except NotServed:
            return False
        return True

    async def _by_number(self, number: int) -> Any:  # noqa: ANN401  any JSON
        """Most registries count to 2**31: a greater number is to them no path of theirs, rather than no schema."""
        try:
            return await self._asked(f"/schemas/ids/{number}", SCHEMA)
        except (NotServed, NotTaken):
            if number <= MOST_NUMBERS or not await self._is_registry():
                raise
        raise Unreadable("the registry has no schema of that number")

    async def _by_guid(self, guid: UUID) -> Any:  # noqa: ANN401  any JSON
        """One that does not serve GUIDs does not say that it lacks this one."""
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
        """Whether it answers what every registry does."""
        try:
            return isinstance(await self._http.get("/schemas/types"), list)
        except (Unknown, NotServed, NotTaken):
            return False

    async def newest(self, subject: str) -> Version:
        """The one that new values of the subject are written by."""
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
        """Each once, and whatever it refers to before it."""
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
    """Nothing is said of Avro, which was there first."""
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
