"""The elements of a customer as the API's pages state them: one table, read by the validation and the XML.

The pages do not state the limits of `hobbies` and of postal fields, nor the order in XML; neither does the table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

BINDINGS = "http://bindings.egain.com/ws/model/v12/gen/"
CUSTOMER = BINDINGS + "interaction/customer"
PERSON = BINDINGS + "interaction/contactperson"
POINT = BINDINGS + "interaction/contactpoint"
COMMON = BINDINGS + "common"
PLATFORM = BINDINGS + "platform"


@dataclass(frozen=True, slots=True)
class Text:
    """An element that holds text. `configured` names the list of configured values of which the text must be one."""

    ns: str
    required: bool = False
    max_length: int | None = None
    max_digits: int | None = None
    allowed: frozenset[str] | None = None
    configured: str | None = None
    form: str | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """An element that holds elements. Of its `variants`, only the one that its `value` names may be present.

    `attributes_of` names the owner of a custom attribute, which decides which attribute names are configured.
    """

    ns: str
    children: Mapping[str, "Element"]
    required: bool = False
    variants: Mapping[str, "Block"] = field(default_factory=dict)
    attributes_of: str | None = None


@dataclass(frozen=True, slots=True)
class Several:
    """An element around a list: `{"contactPerson": [..]}` in JSON, repeated elements in XML."""

    ns: str
    item: str
    of: Block
    required: bool = False
    at_least: int = 0
    at_most: int | None = None


Element = Text | Block | Several


def _text(ns: str, max_length: int | None = None, *, required: bool = False) -> Text:
    return Text(ns, required=required, max_length=max_length)


def _one_of(ns: str, *allowed: str, required: bool = False) -> Text:
    return Text(ns, required=required, allowed=frozenset(allowed))


def _value(ns: str, *allowed: str, configured: str | None = None, required: bool = False) -> Block:
    """The block `{"value": ..}`; the wrapper is in the namespace `ns`, the value in the common namespace."""
    text = Text(COMMON, required=True, allowed=frozenset(allowed) if allowed else None, configured=configured)
    return Block(ns, {"value": text}, required=required)


def _custom_attributes(owner: str, ns: str) -> Several:
    values = Several(COMMON, "attribValue", Block(COMMON, {"value": Text(COMMON, required=True)}))
    attribute: dict[str, Element] = {"attribName": _text(COMMON, required=True), "attribValues": values}
    return Several(ns, "customAttribute", Block(COMMON, attribute, attributes_of=owner))


EMAIL = Block(POINT, {"emailAddress": Text(POINT, required=True, max_length=255, form="email")}, required=True)

PHONE = Block(
    POINT,
    {
        "type": _value(POINT, "home", "office", "mobile", "fax", "pager", required=True),
        "phoneNo": _text(POINT, 40, required=True),
        "countryCode": Text(POINT, max_digits=9),
        "areaCode": _text(POINT, 10),
        "extension": _text(POINT, 10),
        "availability": Block(
            POINT,
            {
                "days": _value(POINT, "weekdays", "weekends", "any_day"),
                "times": _value(POINT, "mornings", "afternoons", "evenings", "day", "anytime"),
            },
        ),
    },
    required=True,
)

_POSTAL_TEXTS = ("address_1", "address_2", "city", "state", "zip", "country", "region")
_POSTAL: dict[str, Element] = {name: _text(POINT) for name in _POSTAL_TEXTS}
POSTAL = Block(POINT, {"type": _value(POINT), **_POSTAL})

CONTACT_POINT = Block(
    POINT,
    {
        "type": Block(
            POINT,
            {"value": _one_of(POINT, "email", "phone", "postal", required=True)},
            required=True,
            variants={"email": EMAIL, "phone": PHONE, "postal": POSTAL},
        ),
        "priority": _value(POINT, "low", "medium", "high"),
        "customAttributes": _custom_attributes("contact_point", POINT),
    },
)

CONTACT_PERSON = Block(
    PERSON,
    {
        "salutation": _one_of(PERSON, "Mr.", "Mrs.", "Ms.", "Miss"),
        "firstName": _text(PERSON, 124, required=True),
        "middleName": _text(PERSON, 124),
        "lastName": _text(PERSON, 124),
        "loginId": _text(PERSON, 255),
        "gender": _value(PERSON, "male", "female"),
        "identification": Block(
            PERSON, {"type": Text(PERSON, configured="identification_types"), "value": _text(PERSON, 255)}
        ),
        "suffix": _value(PERSON, "jr.", "sr.", "i", "ii", "iii"),
        "initials": _text(PERSON, 16),
        "secretQuestion": _text(PERSON, 255),
        "secretAnswer": _text(PERSON, 255),
        "hasDirectMailingConsent": _one_of(PERSON, "true", "false"),
        "hasDirectCallingConsent": _one_of(PERSON, "true", "false"),
        "hasHoldingDataConsent": _one_of(PERSON, "true", "false"),
        "jobTitle": _text(PERSON, 255),
        "employmentStatus": _value(PERSON, "part-time", "full-time", "temporary", "contract", "intern", "unemployed"),
        "priority": _text(PERSON, 255),
        "dateOfBirth": Text(PERSON, form="past_date"),
        "maritalStatus": _value(PERSON, "married", "single", "separated", "divorced", "widowed"),
        "type": _value(PERSON, configured="contact_types"),
        "firstNameFurigana": _text(PERSON, 124),
        "middleNameFurigana": _text(PERSON, 124),
        "lastNameFurigana": _text(PERSON, 124),
        "startGreeting": _text(PERSON, 255),
        "endGreeting": _text(PERSON, 255),
        "spouseName": _text(PERSON, 512),
        "emergencyContact": _text(PERSON, 50),
        "occupation": _text(PERSON, 255),
        "incomeLevel": _text(PERSON, 255),
        "educationLevel": _value(PERSON, "high school", "graduate", "post graduate", "doctorate"),
        "race": _text(PERSON),
        "dependents": _text(PERSON),
        "isSmoker": _text(PERSON),
        "hobbies": _text(PERSON),
        "interests": _text(PERSON),
        "contactOrder": _text(PERSON),
        "customAttributes": _custom_attributes("contact_person", PERSON),
        "contactPoints": Several(PERSON, "contactPoint", CONTACT_POINT, at_least=1),
    },
)

GROUP_DETAILS = Block(
    CUSTOMER,
    {
        "type": _value(CUSTOMER, configured="group_types", required=True),
        "region": Text(CUSTOMER, configured="group_regions"),
        "numberOfMembers": Text(CUSTOMER, max_digits=19),
        "income": _text(CUSTOMER, 20),
        "currency": _text(CUSTOMER, 255),
        "registrationNumber": _text(CUSTOMER, 255),
        "affiliation": _text(CUSTOMER, 50),
    },
    required=True,
)


def _department(*, required: bool) -> Block:
    return Block(CUSTOMER, {"name": Text(PLATFORM, required=True, configured="departments")}, required=required)


def _customer(own: Mapping[str, Element], *, department: bool) -> Block:
    """A customer of either type: the elements that both types share, and `own`."""
    children: dict[str, Element] = {
        "department": _department(required=department),
        "type": Block(
            CUSTOMER,
            {"value": _one_of(CUSTOMER, "individual", "group", required=True)},
            required=True,
            variants={"group": GROUP_DETAILS},
        ),
        "level": _value(CUSTOMER, configured="levels"),
        "role": _value(CUSTOMER, "Partner", "Reseller", "Customer"),
        "pin": _text(CUSTOMER, 255),
        "howReferred": _value(CUSTOMER, "Website", "Customer", "Partner", "Employee", "Reseller"),
        "industry": _value(CUSTOMER, configured="industries"),
        "marketSegment": _text(CUSTOMER, 50),
        "entitlements": _text(CUSTOMER, 1024),
        "customAttributes": _custom_attributes("customer", CUSTOMER),
    }
    return Block(CUSTOMER, {**children, **own})


def customer_of(kind: str, *, departmentalization: bool) -> Block:
    """The table for one type of customer; `customerName` is not an element of an individual."""
    if kind == "individual":
        one = Several(CUSTOMER, "contactPerson", CONTACT_PERSON, required=True, at_least=1, at_most=1)
        return _customer({"contactPersons": one}, department=departmentalization)
    some = Several(CUSTOMER, "contactPerson", CONTACT_PERSON, at_least=1)
    name = _text(CUSTOMER, 124, required=True)
    return _customer({"customerName": name, "contactPersons": some}, department=departmentalization)


ANY_CUSTOMER = customer_of("group", departmentalization=False)
