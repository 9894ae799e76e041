"""The sandbox's table of elements, rule by rule."""

import copy
from pathlib import Path
from typing import Any

import orjson
import pytest

from worker.sandbox.api.bodies import CustomerBody
from worker.sandbox.api.config import ConfiguredValues
from worker.sandbox.api.validation import Rules, is_email, is_past

SEEDS = Path(__file__).parents[1] / "seeds"
RULES = Rules(ConfiguredValues(), departmentalization=False)
POINT = "contactPersons.contactPerson.0.contactPoints.contactPoint"

GROUP: dict[str, Any] = {
    "type": {"value": "group", "group": {"type": {"value": "Association"}}},
    "customerName": "Finance Investor",
}


def individual() -> dict[str, Any]:
    tree: dict[str, Any] = orjson.loads((SEEDS / "individual-all.json").read_bytes())
    return tree


def changed(tree: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """A copy with one value put at a dotted path; None takes it away."""
    tree = copy.deepcopy(tree)
    *way, last = path.split(".")
    node: Any = tree
    for step in way:
        node = node[int(step)] if step.isdigit() else node.setdefault(step, {})
    if value is None:
        del node[last]
    else:
        node[int(last) if last.isdigit() else last] = value
    return tree


def codes(tree: object, rules: Rules = RULES) -> list[str]:
    return [problem.code for problem in rules.problems(tree)]


@pytest.mark.parametrize("name", ["individual-all", "individual-required"])
@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize("departmentalization", [True, False])
def test_the_examples_of_the_pages(name: str, form: Any, departmentalization: bool) -> None:  # noqa: FBT001 - pytest
    """Each example is valid in both formats, and only the short one lacks a department where one is wanted."""
    body = CustomerBody((SEEDS / f"{name}.{form}").read_bytes(), form)
    rules = Rules(ConfiguredValues(), departmentalization=departmentalization)
    lacking = ["400-102"] if departmentalization and name == "individual-required" else []
    assert body.problems == []
    assert codes(body.tree, rules) == lacking


@pytest.mark.parametrize("name", ["individual-all", "individual-required"])
def test_the_same_example_in_both_formats(name: str) -> None:
    """XML is read to exactly the tree that the JSON is."""
    json, xml = (SEEDS / f"{name}.json").read_bytes(), (SEEDS / f"{name}.xml").read_bytes()
    assert CustomerBody(xml, "xml").tree == CustomerBody(json, "json").tree


def test_a_group_needs_no_contact_person() -> None:
    """Type, name and the group's type are enough; two contact persons are fine too."""
    persons = {"contactPerson": [{"firstName": "A"}, {"firstName": "B"}]}
    assert codes(GROUP) == []
    assert codes(GROUP | {"contactPersons": persons}) == []


REFUSED: list[tuple[str, object, str]] = [
    ("type", None, "400-102"),
    ("type.value", "corporate", "400-104"),
    ("type.group", {"type": {"value": "Association"}}, "400-103"),
    ("customerName", "John", "400-103"),
    ("id", "7", "400-103"),
    ("Pin", "0121", "400-103"),
    ("pin", 121, "400-106"),
    ("pin", "1" * 256, "400-104"),
    ("level", "Premium", "400-106"),
    ("level.value", "Gold", "400-104"),
    ("level", {}, "400-102"),
    ("department.name", "Nowhere", "400-104"),
    ("role.value", "partner", "400-104"),
    ("howReferred.value", "Friend", "400-104"),
    ("industry.value", "Farming", "400-104"),
    ("marketSegment", "m" * 51, "400-104"),
    ("entitlements", "e" * 1025, "400-104"),
    ("customAttributes", [], "400-106"),
    ("customAttributes.customAttribute.0.attribName", "unheard", "400-104"),
    ("customAttributes.customAttribute.0.attribName", None, "400-102"),
    ("customAttributes.customAttribute.0.attribValues.attribValue.0.value", "Latin", "400-104"),
    ("customAttributes.customAttribute.0.attribValues", {"attribValue": ["English"]}, "400-106"),
    ("contactPersons", None, "400-102"),
    ("contactPersons", [{"firstName": "Jack"}], "400-106"),
    ("contactPersons.contactPerson", {"firstName": "Jack"}, "400-106"),
    ("contactPersons.contactPerson", [], "400-102"),
    ("contactPersons.contactPerson", [{"firstName": "A"}, {"firstName": "B"}], "400-104"),
    ("contactPersons.other", [], "400-103"),
    ("contactPersons.contactPerson.0.firstName", None, "400-102"),
    ("contactPersons.contactPerson.0.firstName", "", "400-102"),
    ("contactPersons.contactPerson.0.firstName", "n" * 125, "400-104"),
    ("contactPersons.contactPerson.0.salutation", "Dr.", "400-104"),
    ("contactPersons.contactPerson.0.gender", "male", "400-106"),
    ("contactPersons.contactPerson.0.gender.value", "Male", "400-104"),
    ("contactPersons.contactPerson.0.identification.type", "Library card", "400-104"),
    ("contactPersons.contactPerson.0.suffix.value", "iv", "400-104"),
    ("contactPersons.contactPerson.0.initials", "i" * 17, "400-104"),
    ("contactPersons.contactPerson.0.hasDirectMailingConsent", True, "400-106"),
    ("contactPersons.contactPerson.0.hasDirectMailingConsent", "yes", "400-104"),
    ("contactPersons.contactPerson.0.employmentStatus.value", "retired", "400-104"),
    ("contactPersons.contactPerson.0.dateOfBirth", "09.12.1965", "400-104"),
    ("contactPersons.contactPerson.0.dateOfBirth", "2999-01-01T00:00:00.000Z", "400-104"),
    ("contactPersons.contactPerson.0.type.value", "Friend", "400-104"),
    ("contactPersons.contactPerson.0.spouseName", "s" * 513, "400-104"),
    ("contactPersons.contactPerson.0.emergencyContact", "0" * 51, "400-104"),
    ("contactPersons.contactPerson.0.educationLevel.value", "phd", "400-104"),
    ("contactPersons.contactPerson.0.dependents", 4, "400-106"),
    ("contactPersons.contactPerson.0.contactPoints.contactPoint", [], "400-102"),
    (f"{POINT}.0.type.value", "website", "400-104"),
    (f"{POINT}.0.type.phone", None, "400-102"),
    (f"{POINT}.0.type.email", {"emailAddress": "a@b.c"}, "400-103"),
    (f"{POINT}.0.type.phone.type", None, "400-102"),
    (f"{POINT}.0.type.phone.type.value", "work", "400-104"),
    (f"{POINT}.0.type.phone.phoneNo", "0" * 41, "400-104"),
    (f"{POINT}.0.type.phone.countryCode", "+1", "400-104"),
    (f"{POINT}.0.type.phone.countryCode", "1234567890", "400-104"),
    (f"{POINT}.0.type.phone.areaCode", "0" * 11, "400-104"),
    (f"{POINT}.0.type.phone.availability.days.value", "monday", "400-104"),
    (f"{POINT}.0.type.phone.availability.times.value", "nights", "400-104"),
    (f"{POINT}.0.priority", "high", "400-106"),
    (f"{POINT}.0.priority.value", "High", "400-104"),
    (f"{POINT}.1.type.postal.address_3", "x", "400-103"),
    (f"{POINT}.2.type.email.emailAddress", "john@nowhere", "400-104"),
    (f"{POINT}.2.type.email.emailAddress", "a@b." + "c" * 252, "400-104"),
    (f"{POINT}.2.type.email", {}, "400-102"),
]


@pytest.mark.parametrize(("path", "value", "code"), REFUSED, ids=[f"{path}={str(v)[:12]}" for path, v, _ in REFUSED])
def test_one_broken_rule(path: str, value: object, code: str) -> None:
    """Each rule of the pages is kept, and is told by its code."""
    assert code in codes(changed(individual(), path, value))


REFUSED_GROUPS: list[tuple[str, object, str]] = [
    ("customerName", None, "400-102"),
    ("customerName", "n" * 125, "400-104"),
    ("type.group", None, "400-102"),
    ("type.group.type", None, "400-102"),
    ("type.group.type.value", "Herd", "400-104"),
    ("type.group.region", "Atlantis", "400-104"),
    ("type.group.region", {"value": "Europe"}, "400-106"),
    ("type.group.numberOfMembers", "1" * 20, "400-104"),
    ("type.group.numberOfMembers", "many", "400-104"),
    ("type.group.income", "1" * 21, "400-104"),
    ("type.group.currency", "c" * 256, "400-104"),
    ("type.group.affiliation", "a" * 51, "400-104"),
    ("type.group.size", "3", "400-103"),
    ("contactPersons", {"contactPerson": []}, "400-102"),
]


@pytest.mark.parametrize(("path", "value", "code"), REFUSED_GROUPS, ids=[path for path, _, _ in REFUSED_GROUPS])
def test_one_broken_rule_of_a_group(path: str, value: object, code: str) -> None:
    """Each rule that a group alone has is kept."""
    assert codes(changed(GROUP, path, value)) == [code]


@pytest.mark.parametrize(
    "tree", [[], "customer", None, 1, {"type": []}, {"type": {"value": {}}}, {"contactPersons": 1}]
)
def test_a_body_of_another_shape(tree: object) -> None:
    """Whatever the JSON is, it is refused and nothing breaks."""
    assert codes(tree)


def test_no_configured_values() -> None:
    """Then any value is taken where a configured one is wanted, in its right form."""
    anything = changed(
        changed(individual(), "level.value", "Gold"), "customAttributes.customAttribute.0.attribName", "x"
    )
    lenient = Rules(None, departmentalization=False)
    assert codes(anything, lenient) == []
    assert codes(changed(anything, "level", "Gold"), lenient) == ["400-106"]


@pytest.mark.parametrize("value", ["a+b", "a/b", "a\nb", "<b>", "a;b"])
def test_a_character_that_custom_attributes_do_not_take(value: str) -> None:
    """Text attributes hold the listed characters alone; letters above ASCII are among them."""
    attribute = {"attribName": "externalid", "attribValues": {"attribValue": [{"value": value}]}}
    tree = individual() | {"customAttributes": {"customAttribute": [attribute]}}
    assert codes(tree) == ["400-104"]
    attribute["attribValues"] = {"attribValue": [{"value": "Zoë: (a-1_b), 'x' = \"?\" #2 @b.c & d"}]}
    assert codes(tree) == []


@pytest.mark.parametrize(
    ("address", "valid"),
    [
        ("a@b.c", True),
        ("@b.c", True),
        ("a\\b@c.d", True),
        ("a@.c", False),
        ("a@b.", False),
        ("a@b@c.d", False),
        ("a.b", False),
        ("a b@c.d", False),
        ("a\\\\b@c.d", False),
        ("<a@b.c>", False),
    ],
)
def test_an_email_address(address: str, valid: bool) -> None:  # noqa: FBT001 - pytest
    """The page's definition, neither looser nor stricter."""
    assert is_email(address) is valid


def test_a_date_without_a_time_zone() -> None:
    """It is a date all the same."""
    assert is_past("1965-12-09")
    assert not is_past("1965-13-09")


XML = '<c:customer xmlns:c="http://bindings.egain.com/ws/model/v12/gen/interaction/customer" {}>{}</c:customer>'


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "400-105"),
        ("  ", "400-105"),
        ("<customer>", "400-106"),
        ("<customer/>", "400-103"),
        ("<!DOCTYPE x [<!ENTITY e 'e'>]><x>&e;</x>", "400-106"),
        (XML.format("", "<type/>"), "400-103"),
        (XML.format("", "<c:unknown/>"), "400-103"),
        (XML.format("", "loose text"), "400-106"),
        (XML.format("", "<c:pin>1</c:pin><c:pin>2</c:pin>"), "400-106"),
        (XML.format("", "<c:pin><c:value>1</c:value></c:pin>"), "400-106"),
        (XML.format("", "<c:level><c:value>Premium</c:value></c:level>"), "400-103"),
        (XML.format("", "<a>" * 300 + "</a>" * 300), "400-106"),
    ],
)
def test_xml_that_is_no_customer(body: str, code: str) -> None:
    """It is told by its code, and nothing of it is resolved."""
    assert CustomerBody(body.encode(), "xml").problems[0].code == code


def test_other_prefixes() -> None:
    """Namespaces decide, not the letters before the colon."""
    raw = (SEEDS / "individual-all.xml").read_text()
    other = (
        raw.replace("ns4:", "x:").replace("xmlns:ns4", "xmlns:x").replace("ns1:", "y:").replace("xmlns:ns1", "xmlns:y")
    )
    assert CustomerBody(other.encode(), "xml").problems == []
    assert CustomerBody(other.encode(), "xml").tree == individual()


@pytest.mark.parametrize("raw", [b"{", b"\xff\xfe", b'{"a": "\xff"}', b"[" * 5000, b"NaN"])
def test_bytes_that_are_no_json(raw: bytes) -> None:
    """They are malformed."""
    assert [problem.code for problem in CustomerBody(raw, "json").problems] == ["400-106"]


def test_the_identity_of_an_event() -> None:
    """The custom attribute, else the trace, else the body; whatever the body is."""
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    attribute = {"attribName": "externalid", "attribValues": {"attribValue": [{"value": "event-1"}]}}
    named = orjson.dumps({"customAttributes": {"customAttribute": [{"attribName": "x"}, 7, attribute]}})
    assert CustomerBody(named, "json").identity("externalid", trace) == "event-1"
    assert CustomerBody(named, "json").identity("other", trace) == "0af7651916cd43dd8448eb211c80319c"
    digests = {CustomerBody(raw, "json").identity("externalid", "garbage") for raw in (b"{", b"[", b"{}", b"{")}
    assert len(digests) == 3
