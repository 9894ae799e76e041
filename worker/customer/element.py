"""What every element of the resource has in common: strict types, exact names in the API's order, nothing unknown.

An element is a `TypedDict` in exactly the form in which it goes to the API: every scalar is a string, unset ones are
absent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Generic, TypeVar

from pydantic import ConfigDict, Field, StringConstraints
from typing_extensions import TypedDict

from worker.customer import namespaces

Class = TypeVar("Class", bound=type)
Content = TypeVar("Content")


@dataclass(frozen=True, slots=True)
class Origin:
    """The XML namespace of an element's children, and the page whose section Request Body states their rules."""

    namespace: str
    page: str


def element(namespace: str, page: str) -> Callable[[Class], Class]:
    """Mark an element: its children are of that namespace, and follow that page unless one of them names another.

    A child that is not declared is refused: the API answers 400 to it (Create Group Customer, HTTP status codes).
    """

    def mark(cls: Class) -> Class:
        marked: Any = cls  # a TypedDict class has no place for these two but takes them
        marked.__pydantic_config__ = ConfigDict(extra="forbid", strict=True)
        marked.__origin_in_api__ = Origin(namespace, page)
        return cls

    return mark


# The resource is defined by XML schemas, so a text holds what XML 1.0 (section 2.2) can hold.
XML_TEXT: Final = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]*$"

Text = Annotated[str, StringConstraints(pattern=XML_TEXT)]
"""Any text that XML can hold; where a page states no limit, there is none."""

Text10 = Annotated[Text, Field(max_length=10)]
Text16 = Annotated[Text, Field(max_length=16)]
Text20 = Annotated[Text, Field(max_length=20)]
Text40 = Annotated[Text, Field(max_length=40)]
Text50 = Annotated[Text, Field(max_length=50)]
Text124 = Annotated[Text, Field(max_length=124)]
Text255 = Annotated[Text, Field(max_length=255)]
Text512 = Annotated[Text, Field(max_length=512)]
Text1024 = Annotated[Text, Field(max_length=1024)]

FILLED: Final = Field(min_length=1)
"""Marks a required text, which must not be empty."""


@element(namespaces.COMMON, page="Create Individual Customer Examples")
class Value(TypedDict, Generic[Content]):
    """The wrapper of one value of a list: `{"value": ...}`."""

    value: Content
