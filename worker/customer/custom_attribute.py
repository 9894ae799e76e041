"""Custom attributes: the same shape for the customer, a contact person and a contact point."""

import re
from collections.abc import Callable
from itertools import islice
from typing import Annotated, Final

from pydantic import ValidationInfo
from typing_extensions import TypedDict

from worker.customer import namespaces
from worker.customer.catalog import Attribute, Scope
from worker.customer.circumstances import circumstances
from worker.customer.element import FILLED, Text, Value, element
from worker.customer.rules import Check, Places, broken
from worker.model.outcomes import MAX_VIOLATIONS


@element(namespaces.COMMON, page="Create Individual Customer Examples")
class AttributeValues(TypedDict):
    """The values of one custom attribute."""

    attribValue: list[Value[Text]]


@element(namespaces.COMMON, page="Create Group Customer")
class CustomAttribute(TypedDict):
    """A name that is configured in the application, with its values."""

    attribName: Annotated[Text, FILLED]
    attribValues: AttributeValues


# Letters, digits, space, @ : . _ - & , ( ) ? # = ' " and everything above ASCII.
_ALLOWED: Final = re.compile(r"""[a-zA-Z0-9 @:._\-&,()?#='"\x80-\U0010ffff]*""")


def _as_configured(scope: Scope) -> Check:
    def check(attribute: CustomAttribute, info: ValidationInfo) -> CustomAttribute:
        known = circumstances(info).catalog.attributes(scope)
        if known is None:
            # Without the catalog its type is unknown; an enumeration's values need not keep to the allowed characters.
            return attribute
        if attribute["attribName"] not in known:
            raise broken("configured_values", allowed=frozenset(known), at=(("attribName",),))
        _check_values(attribute["attribValues"], known[attribute["attribName"]])
        return attribute

    return Check(
        ("configured_values", "characters"),
        f"name and enumerated values as in the catalog's `custom_attributes.{scope}`; "
        "a `string` of it holds letters, digits, space, ``@ : . _ - & , ( ) ? # = ' \"`` and what is above ASCII",
        check,
        page="Allowed Characters For Custom Attributes",
    )


def _check_values(values: AttributeValues, configured: Attribute) -> None:
    if configured.type == "enumeration":
        if wrong := _places(values, configured.values.__contains__):
            raise broken("configured_values", allowed=frozenset(configured.values), at=wrong)
    elif configured.type == "string" and (wrong := _places(values, _ALLOWED.fullmatch)):
        raise broken("characters", at=wrong)


def _places(values: AttributeValues, fits: Callable[[str], object]) -> Places:
    """Where the values are that do not fit; no more than are needed to say that there are too many."""
    wrong = (index for index, item in enumerate(values["attribValue"]) if not fits(item["value"]))
    return tuple(("attribValues", "attribValue", index, "value") for index in islice(wrong, MAX_VIOLATIONS + 1))


@element(namespaces.COMMON, page="Create Group Customer")
class CustomerAttributes(TypedDict):
    """The custom attributes of the customer itself."""

    customAttribute: list[Annotated[CustomAttribute, _as_configured("customer")]]


@element(namespaces.COMMON, page="Create Individual Customer Examples")
class ContactPersonAttributes(TypedDict):
    """The custom attributes of a contact person."""

    customAttribute: list[Annotated[CustomAttribute, _as_configured("contact_person")]]


@element(namespaces.COMMON, page="Create Individual Customer Examples")
class ContactPointAttributes(TypedDict):
    """The custom attributes of a contact point."""

    customAttribute: list[Annotated[CustomAttribute, _as_configured("contact_point")]]
