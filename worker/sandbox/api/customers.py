"""The customers that were created, and how a search finds them."""

import sys
import time
from array import array
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from worker.sandbox.api.config import FIRST_CUSTOMER_ID


class Customers:
    """The created customers, with ids from 2801. A search finds one only `lag` seconds after it was created."""

    def __init__(
        self, *, per_department: bool = False, lag: float = 0.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_department = per_department
        self._lag = lag
        self._clock = clock
        self._bodies: list[bytes] = []
        self._created_at = array("d")
        self._found_by: dict[tuple[str, str], list[int]] = {}
        self._emails: set[tuple[str, str]] = set()
        self.stored_bytes = 0

    def __len__(self) -> int:
        return len(self._bodies)

    def email_taken(self, tree: dict[str, Any]) -> bool:
        """Whether one of its e-mail addresses is another customer's already, or is given twice in it."""
        wanted = [(self._scope(tree), address) for address in _emails(tree)]
        return len(set(wanted)) < len(wanted) or any(each in self._emails for each in wanted)

    def add(self, tree: dict[str, Any]) -> int:
        """Create the customer and return its id; `tree` must be valid."""
        customer_id = FIRST_CUSTOMER_ID + len(self._bodies)
        body = bytes(memoryview(orjson.dumps(tree)))  # a copy: what orjson returns keeps its roomy buffer
        self._bodies.append(body)
        self._created_at.append(self._clock())
        self.stored_bytes += len(body)
        self._emails.update((self._scope(tree), address) for address in _emails(tree))
        for key in dict.fromkeys(_keys(tree)):
            self._found_by.setdefault(key, []).append(customer_id)
        return customer_id

    def find(self, criteria: list[tuple[str, str]]) -> list[int]:
        """The ids of the customers that meet all criteria exactly, oldest first."""
        hits = [set(self._found_by.get(key, ())) for key in criteria]
        return sorted(each for each in set.intersection(*hits) if self._visible(each))

    def get(self, customer_id: int) -> dict[str, Any] | None:
        """The customer as created, with its id and the name that the API derives for an individual; None if unknown."""
        row = customer_id - FIRST_CUSTOMER_ID
        if not 0 <= row < len(self._bodies):
            return None
        tree: dict[str, Any] = orjson.loads(self._bodies[row])
        return {"id": str(customer_id), "customerName": _derived_name(tree)} | tree

    def _visible(self, customer_id: int) -> bool:
        return self._clock() - self._created_at[customer_id - FIRST_CUSTOMER_ID] >= self._lag

    def _scope(self, tree: dict[str, Any]) -> str:
        return str(tree.get("department", {}).get("name", "")) if self._per_department else ""


def _persons(tree: dict[str, Any]) -> list[dict[str, Any]]:
    return tree.get("contactPersons", {}).get("contactPerson", [])  # type: ignore[no-any-return] # JSON


def _points(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for person in _persons(tree):
        yield from person.get("contactPoints", {}).get("contactPoint", [])


def _emails(tree: dict[str, Any]) -> list[str]:
    return [point["type"]["email"]["emailAddress"] for point in _points(tree) if "email" in point["type"]]


def _keys(tree: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield from (("email", address) for address in _emails(tree))
    for point in _points(tree):
        if "phone" in point["type"]:
            yield from _phone_keys(point["type"]["phone"])
    for owner in (tree, *_persons(tree), *_points(tree)):
        yield from _custom_keys(owner)


def _phone_keys(phone: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The keys that find the number: as it was given, and all its parts joined without separators."""
    yield "phone", phone["phoneNo"]
    parts = (str(phone.get(name, "")) for name in ("countryCode", "areaCode", "phoneNo", "extension"))
    yield "phone", "".join(filter(str.isalnum, "".join(parts)))


def _custom_keys(owner: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each value with the search criterion that finds it: `custom.<name>`."""
    for attribute in owner.get("customAttributes", {}).get("customAttribute", []):
        for value in attribute.get("attribValues", {}).get("attribValue", []):
            yield sys.intern(f"custom.{attribute['attribName']}"), value["value"]


def _derived_name(tree: dict[str, Any]) -> str:
    person = next(iter(_persons(tree)), {})
    return " ".join(filter(None, (person.get("firstName"), person.get("lastName"))))
