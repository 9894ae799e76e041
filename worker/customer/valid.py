"""A customer that keeps every rule, and the judge that decides it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, cast

import orjson
from pydantic import TypeAdapter, ValidationError

from worker.customer.circumstances import NOTHING_KNOWN, Circumstances, Configured, now
from worker.customer.custom_attribute import CustomAttribute
from worker.customer.customer import AnyCustomer, GroupCustomer, IndividualCustomer
from worker.customer.documents import Json
from worker.customer.plain import drop_unknown, excerpt, normalised
from worker.customer.shape import CUSTOMER
from worker.customer.violations import (
    Steps,
    Violations,
    found,
    in_order,
    missing,
    too_many,
    too_many_persons,
    too_many_violations,
    unknown_kind,
)
from worker.customer.xml import write_xml
from worker.model.commands import Kind, Traits
from worker.model.frozen import frozen
from worker.model.outcomes import Violation

Format = Literal["json", "xml"]


@frozen(repr=False)
class Customer:
    """A valid customer; what it holds stays out of its repr, since it is personal data."""

    element: IndividualCustomer | GroupCustomer

    @property
    def customer_type(self) -> Kind:
        """The kind of customer."""
        return self.element["type"]["value"]

    @property
    def traits(self) -> Traits:
        """What the creation needs to know of the customer."""
        return Traits(self.customer_type, self.first_email)

    @property
    def first_email(self) -> str | None:
        """The first e-mail address in the event, by which the customer could be found again; None without one."""
        emails = (kind["email"]["emailAddress"] for kind in self._contacts() if kind["value"] == "email")
        return next(emails, None)

    def encode(self, form: Format) -> bytes:
        """The request body, in exactly the form that the API takes."""
        return orjson.dumps(self.element) if form == "json" else write_xml(cast("dict[str, Json]", self.element))

    def with_attribute(self, name: str, value: str) -> "Customer":
        """The same customer with this custom attribute; it replaces one of that name."""
        given = self.element["customAttributes"]["customAttribute"] if "customAttributes" in self.element else []
        ours: CustomAttribute = {"attribName": name, "attribValues": {"attribValue": [{"value": value}]}}
        others = [attribute for attribute in given if attribute["attribName"] != name]
        merged: Any = {**self.element, "customAttributes": {"customAttribute": [*others, ours]}}
        return Customer(cast("GroupCustomer", {name: merged[name] for name in CUSTOMER.children if name in merged}))

    def _contacts(self) -> Iterator[Any]:
        for person in self.element.get("contactPersons", {}).get("contactPerson", []):
            for point in person.get("contactPoints", {}).get("contactPoint", []):
                yield point["type"]


_ADAPTERS: Final[dict[str | None, TypeAdapter[Any]]] = {
    "individual": TypeAdapter(IndividualCustomer),
    "group": TypeAdapter(GroupCustomer),
    None: TypeAdapter(AnyCustomer),
}
_BY_KIND: Final = {kind: adapter.validator for kind, adapter in _ADAPTERS.items()}


def validators() -> Iterable[TypeAdapter[Any]]:
    """The compiled models that documents are checked against."""
    return _ADAPTERS.values()


@dataclass(slots=True)
class Judge:
    """Decides whether a document is a customer. `dropped` counts the unknown elements that were left out."""

    departmentalization: bool = False
    catalog: Configured = NOTHING_KNOWN
    drop_unknown: bool = False
    clock: Callable[[], datetime] = now
    dropped: int = 0

    def accept(self, document: Json) -> Customer | None:
        """The customer, if the document is one in exactly the API's form; else None.

        The fast way, for nearly all events.
        """
        if self._beside_the_model(document):
            return None
        try:
            return Customer(_BY_KIND[_kind(document)].validate_python(document, context=self._circumstances()))
        except ValidationError:
            return None

    def judge(self, document: Json) -> Customer | tuple[Violation, ...]:
        """The customer, in whatever form it was written, or everything that is wrong with it.

        Of an event with more than `MAX_VIOLATIONS` violations only its beginning is judged in detail; a violation of
        `count` with an empty path says so.
        """
        document = normalised(document)
        customer, broken = self._leniently(document) if self.drop_unknown else self._try(document)
        return customer or tuple(each for _, each in in_order(broken, document))

    def _leniently(self, document: Json) -> tuple[Customer | None, Violations]:
        self.dropped += drop_unknown(document)
        customer, broken = self._try(document)
        # These are elements that only another kind of customer or of contact point has.
        unknown = [place for place, each in broken if each.rule == "unknown_element"]
        for place in unknown:
            _drop(document, place)
        self.dropped += len(unknown)
        return self._try(document) if unknown else (customer, broken)

    def _try(self, document: Json) -> tuple[Customer | None, Violations]:
        broken = self._beside_the_model(document)
        try:
            element = _BY_KIND[_kind(document)].validate_python(document, context=self._circumstances())
        except ValidationError as error:
            if too_many(error) and (beginning := excerpt(document)) != document:
                return None, self._try(beginning)[1] + too_many_violations()
            return None, broken + found(error.errors(include_url=False))
        return (None if broken else Customer(element)), broken

    def _beside_the_model(self, document: Json) -> Violations:
        """Violations of rules that depend on several elements, or on the absence of one."""
        if not isinstance(document, dict):
            return []
        broken = missing(("department",)) if self.departmentalization and "department" not in document else []
        kind = _kind(document)
        if kind is None:
            broken += unknown_kind(document)
        if kind == "individual" and _persons(document) > 1:
            broken += too_many_persons()
        return broken

    def _circumstances(self) -> Circumstances:
        return Circumstances(self.catalog, self.clock)


def _kind(document: Json) -> Kind | None:
    """The kind of customer that the document names, if it is one."""
    chosen = document.get("type") if isinstance(document, dict) else None
    value = chosen.get("value") if isinstance(chosen, dict) else None
    return value if value in ("individual", "group") else None


def _persons(document: Json) -> int:
    persons = document.get("contactPersons")
    listed = persons.get("contactPerson") if isinstance(persons, dict) else None
    return len(listed) if isinstance(listed, list) else 0


def _drop(document: Json, place: Steps) -> None:
    for step in place[:-1]:
        document = document[step]
    del document[place[-1]]
