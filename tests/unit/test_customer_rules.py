"""Every rule of the model, broken once; the limits are written out here again, as the pages state them."""

import copy
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
import pytest
from builders import seed

from worker.customer import Customer, Judge
from worker.customer.catalog import Catalog
from worker.customer.table import rows
from worker.model.outcomes import Violation

PERSON = "contactPersons.contactPerson[0]."
POINT = f"{PERSON}contactPoints.contactPoint[0]."
PHONE = f"{POINT}type.phone."
POSTAL = f"{PERSON}contactPoints.contactPoint[1].type.postal."
EMAIL = f"{PERSON}contactPoints.contactPoint[2].type.email.emailAddress"
ABSENT = object()

CATALOG = Catalog.model_validate(
    {
        "departments": ["Service"],
        "levels": ["Premium"],
        "industries": ["Telecom"],
        "group_types": ["Association"],
        "group_regions": ["Europe"],
        "contact_types": ["Billing"],
        "identification_types": ["Passport"],
        "countries": ["USA"],
        "custom_attributes": {
            "customer": {"preferredlang": {"type": "enumeration", "values": ["English"]}, "note": {"type": "string"}},
            "contact_person": {"isprimary": {"type": "enumeration", "values": ["y", "n"]}, "note": {}},
            "contact_point": {"prioritysequence": {"type": "number"}, "note": {}},
        },
    }
)
INDIVIDUAL = orjson.loads(seed("individual-all.json"))
GROUP = {
    **INDIVIDUAL,
    "type": {
        "value": "group",
        "group": {
            "type": {"value": "Association"},
            "region": "Europe",
            "numberOfMembers": "30000",
            "income": "12000000",
            "currency": "Dollar",
            "registrationNumber": "EK123/234",
            "affiliation": "None",
        },
    },
    "customerName": "Finance Investor",
}


class Case(NamedTuple):
    """This value at that path of a full group customer breaks that rule there, or at `reported`."""

    path: str
    value: Any
    rule: str
    limit: int | None = None
    allowed: tuple[str, ...] | None = None
    reported: str | None = None


def too_long(prefix: str, limits: dict[str, int]) -> Iterator[Case]:
    for name, limit in limits.items():
        yield Case(prefix + name, "x" * (limit + 1), "max_length", limit)


def not_allowed(prefix: str, lists: dict[str, str]) -> Iterator[Case]:
    for name, values in lists.items():
        yield Case(f"{prefix}{name}", "Other", "allowed_values", None, tuple(values.split("|")))


def not_configured(prefix: str, lists: dict[str, str]) -> Iterator[Case]:
    for name, only in lists.items():
        yield Case(prefix + name, "Other", "configured_values", None, (only,))


def attribute(prefix: str, name: str) -> Iterator[Case]:
    """The rules of custom attributes, at each of the three levels."""
    first = f"{prefix}customAttributes.customAttribute[0]"
    value = f"{first}.attribValues.attribValue[0].value"
    yield Case(f"{first}.attribName", "other", "configured_values", None, tuple(sorted(["note", name])))
    note = {"attribName": "note", "attribValues": {"attribValue": [{"value": "100 %"}]}}
    yield Case(first, note, "characters", reported=value)
    yield Case(f"{first}.attribName", ABSENT, "required")
    yield Case(f"{first}.attribName", "", "required")
    yield Case(f"{first}.attribValues.attribValue", ABSENT, "required")
    yield Case(f"{first}.attribValues.attribValue[0].value", ABSENT, "required")
    yield Case(f"{prefix}customAttributes.customAttribute", ABSENT, "required")


GROUP_CASES = [
    Case("department", ABSENT, "required", reported="department.name"),
    Case("department.name", ABSENT, "required"),
    Case("department.name", "", "required"),
    Case("type", ABSENT, "required", reported="type.value"),
    Case("type.value", ABSENT, "required"),
    Case("type.value", "corporate", "allowed_values", None, ("group", "individual")),
    Case("type.value", 5, "type"),
    Case("type", [], "type"),
    Case("type.group", ABSENT, "required", reported="type.group.type.value"),
    Case("type.group.type", ABSENT, "required", reported="type.group.type.value"),
    Case("type.group.type.value", "", "required"),
    Case("type.group.numberOfMembers", "-1", "digits"),
    Case("type.group.numberOfMembers", "1.5", "digits"),
    Case("type.group.numberOfMembers", "", "digits"),
    Case("type.group.numberOfMembers", "\u0663", "digits"),
    Case("type.group.numberOfMembers", "1" * 20, "max_digits", 19),
    Case("customerName", ABSENT, "required"),
    Case("customerName", "", "required"),
    Case("customerName", {}, "type"),
    Case("pin", "\x00", "characters"),
    Case("pin", "\ufffe", "characters"),
    Case("pin", [], "type"),
    Case("shoeSize", "47", "unknown_element"),
    Case("role.shoeSize", "47", "unknown_element"),
    Case("role", {}, "required", reported="role.value"),
    Case("role", ["Partner"], "type"),
    Case("role.value", {}, "type"),
    Case("contactPersons", {"contactPerson": []}, "count", 1, reported="contactPersons.contactPerson"),
    Case("contactPersons", {}, "required", reported="contactPersons.contactPerson"),
    Case("contactPersons.contactPerson", "Jack", "type"),
    Case(f"{PERSON}firstName", ABSENT, "required"),
    Case(f"{PERSON}firstName", "", "required"),
    Case(f"{PERSON}hasHoldingDataConsent", "yes", "allowed_values", None, ("true", "false")),
    Case(f"{PERSON}dateOfBirth", "9.12.1965", "format"),
    Case(f"{PERSON}dateOfBirth", "1965-13-09", "format"),
    Case(f"{PERSON}dateOfBirth", "2030-01-01T00:00:00.000Z", "format"),
    Case(f"{PERSON}dateOfBirth", "2030-01-01", "format"),
    Case(f"{PERSON}dateOfBirth", "1965-12-09 00:00", "format"),
    Case(f"{POINT}type", [], "type"),
    Case(f"{POINT}type", "website", "allowed_values", None, ("phone", "postal", "email"), f"{POINT}type.value"),
    Case(f"{POINT}type.phone", [], "type"),
    Case(f"{PERSON}contactPoints.contactPoint", ABSENT, "required"),
    Case(f"{PERSON}contactPoints.contactPoint", [], "count", 1),
    Case(f"{POINT}type", ABSENT, "required", reported=f"{POINT}type.value"),
    Case(f"{POINT}type.value", ABSENT, "required"),
    Case(f"{POINT}type.value", [], "type"),
    Case(
        f"{POINT}type.value", "website", "allowed_values", None, ("phone", "postal", "email")
    ),
    Case(f"{POINT}type.email", {}, "unknown_element"),
    Case(f"{PHONE}type", ABSENT, "required", reported=f"{PHONE}type.value"),
    Case(f"{PHONE}phoneNo", ABSENT, "required"),
    Case(f"{PHONE}phoneNo", "", "required"),
    Case(f"{PHONE}countryCode", "+1", "digits"),
    Case(f"{PHONE}countryCode", "1" * 10, "max_digits", 9),
    Case(f"{POSTAL}type", ABSENT, "required", reported=f"{POSTAL}type.value"),
    Case(f"{POSTAL}address_1", ABSENT, "required"),
    Case(EMAIL, ABSENT, "required"),
    Case(EMAIL, "x" * 244 + "@example.com", "max_length", 255),
    Case(
        f"{PERSON}contactPoints.contactPoint[0].type",
        {"value": "email", "email": {"emailAddress": "john.russel@customer.com"}},
        "unique",
        reported=EMAIL,
    ),
    *(Case(EMAIL, value, "format") for value in ("", "jack", "jack@example", "jack@.com", "jack@example.com.")),
    *(Case(EMAIL, f"ja{bad}ck@example.com", "format") for bad in ["@", "\\\\", *'()[]:;<>" ']),
    *not_configured(
        "",
        {
            "department.name": "Service",
            "type.group.type.value": "Association",
            "type.group.region": "Europe",
            "level.value": "Premium",
            "industry.value": "Telecom",
            f"{PERSON}type.value": "Billing",
            f"{PERSON}identification.type": "Passport",
            f"{POSTAL}country": "USA",
        },
    ),
    *not_allowed(
        "",
        {"role.value": "Partner|Reseller|Customer", "howReferred.value": "Website|Customer|Partner|Employee|Reseller"},
    ),
    *not_allowed(
        PERSON,
        {
            "salutation": "Mr.|Mrs.|Ms.|Miss",
            "gender.value": "male|female",
            "suffix.value": "jr.|sr.|i|ii|iii",
            "hasDirectMailingConsent": "true|false",
            "hasDirectCallingConsent": "true|false",
            "employmentStatus.value": "part-time|full-time|temporary|contract|intern|unemployed",
            "maritalStatus.value": "married|single|separated|divorced|widowed",
            "educationLevel.value": "high school|graduate|post graduate|doctorate",
            },
    ),
    *not_allowed(POINT, {"priority.value": "low|medium|high"}),
    *not_allowed(
        PHONE,
        {
            "type.value": "home|office|mobile|fax|pager",
            "availability.days.value": "weekdays|weekends|any_day",
            "availability.times.value": "mornings|afternoons|evenings|day|anytime",
        },
    ),
    *too_long(
        "type.group.", {"income": 20, "currency": 255, "registrationNumber": 255, "affiliation": 50}
    ),
    *too_long("", {"customerName": 124, "pin": 255, "marketSegment": 50, "entitlements": 1024}),
    *too_long(PERSON, dict.fromkeys(["firstName", "middleName", "lastName"], 124)),
    *too_long(PERSON, dict.fromkeys(["firstNameFurigana", "middleNameFurigana", "lastNameFurigana"], 124)),
    *too_long(PERSON, dict.fromkeys(["loginId", "secretQuestion", "secretAnswer", "jobTitle", "priority"], 255)),
    *too_long(PERSON, dict.fromkeys(["startGreeting", "endGreeting", "occupation", "incomeLevel"], 255)),
    *too_long(PERSON, {"identification.value": 255, "initials": 16, "spouseName": 512, "emergencyContact": 50}),
    *too_long(PHONE, {"phoneNo": 40, "areaCode": 10, "extension": 10}),
    *attribute("", "preferredlang"),
    *attribute(PERSON, "isprimary"),
    *attribute(f"{POINT}", "prioritysequence"),
    Case(
        "customAttributes.customAttribute[0].attribValues.attribValue[0].value",
        "Latin",
        "configured_values",
        None,
        ("English",),
    ),
]  # fmt: skip

INDIVIDUAL_CASES = [
    Case("contactPersons.contactPerson", [{"firstName": "Jack"}, {"firstName": "Jill"}], "count", 1),
    Case("contactPersons", ABSENT, "required", reported="contactPersons.contactPerson"),
    Case("customerName", "Tierney", "unknown_element"),
    Case("type.group", {}, "unknown_element"),
]


def judged(document: Any) -> Customer | tuple[Violation, ...]:
    clock = datetime(2026, 1, 1, tzinfo=UTC)
    judge = Judge(departmentalization=True, catalog=CATALOG, clock=lambda: clock)
    return judge.accept(document) or judge.judge(document)


def changed(base: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of the customer with that value at that path, or without it."""
    document = copy.deepcopy(base)
    *above, last = [int(step) if step.isdigit() else step for step in re.findall(r"[^.\[\]]+", path)]
    place: Any = document
    for step in above:
        place = place[step]
    if value is ABSENT:
        del place[last]
    else:
        place[last] = value
    return document


@pytest.mark.parametrize("base", [INDIVIDUAL, GROUP], ids=["individual", "group"])
def test_full_customer(base: dict[str, Any]) -> None:
    """With every element set it breaks no rule, so that each case below breaks only its own."""
    assert isinstance(judged(base), Customer)


@pytest.mark.parametrize(
    ("base", "case"),
    [*((GROUP, case) for case in GROUP_CASES), *((INDIVIDUAL, case) for case in INDIVIDUAL_CASES)],
    ids=[f"{case.path}-{case.rule}-{index}" for index, case in enumerate([*GROUP_CASES, *INDIVIDUAL_CASES])],
)
def test_broken_rule(base: dict[str, Any], case: Case) -> None:
    """It is reported at its path with its limit or list, as often as it is broken, and nothing else is."""
    found = judged(changed(base, case.path, case.value))
    assert isinstance(found, tuple)
    expected = Violation(case.reported or case.path, case.rule, case.limit, case.allowed)  # type: ignore[arg-type]  # a str in a table
    assert expected in found
    assert {each.rule for each in found} == {case.rule}


def test_refused_characters() -> None:
    """Those that the page names, and those that it does not list."""
    for character in "+/\\;!%*<>[]{}|~^$`\n\t\x7f":
        note = {"attribName": "note", "attribValues": {"attribValue": [{"value": f"a{character}b"}]}}
        found = judged(changed(GROUP, "customAttributes.customAttribute[0]", note))
        assert isinstance(found, tuple), character
        assert [each.rule for each in found] == ["characters"]


def test_every_rule_has_a_case() -> None:
    """A rule of the model without a row in the tables above is a rule that nobody tried."""
    cases = [*GROUP_CASES, *INDIVIDUAL_CASES]
    tried = {(re.sub(r"\[\d+\]", "[]", case.reported or case.path), case.rule) for case in cases}
    stated = {(row.path, rule) for row in rows() for rule in row.rules}
    assert [each for each in sorted(stated) if not any(covers(each, one) for one in tried)] == []


def covers(stated: tuple[str, str], tried: tuple[str, str]) -> bool:
    """A rule of an element may be reported at what it holds, and one of a list at the list."""
    path = stated[0].removesuffix("[]")
    return tried[1] == stated[1] and (tried[0] == path or tried[0].startswith((f"{path}.", f"{path}[]")))
