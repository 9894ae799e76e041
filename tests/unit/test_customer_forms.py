"""Forgiving in, exact out: every form in which a customer may come, and the one in which it leaves."""

import re
from typing import Any

import orjson
import pytest
from builders import seed, valid_customers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from worker.customer import Customer, Judge
from worker.customer.documents import Unreadable, read_json, read_json_exactly
from worker.customer.shape import CUSTOMER, Shape
from worker.customer.xml import read_xml
from worker.model.outcomes import Violation

quick = settings(
    derandomize=True, max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


def sent(document: Any) -> Any:
    """What leaves for the API of an event written as this JSON."""
    judged = Judge().judge(read_json_exactly(orjson.dumps(document), 32))
    assert isinstance(judged, Customer), judged
    return orjson.loads(judged.encode("json"))


def bare(value: Any, shape: Shape = CUSTOMER) -> Any:
    """The plain form of an element: no wrappers at all."""
    only = shape.bare
    if only is not None and list(value) == [only.name]:
        inner = value[only.name]
        return [bare(item, only.shape) if only.shape else item for item in inner] if only.many else inner
    children = {name: shape.children[name].shape for name in value}
    return {name: bare(item, below) if (below := children[name]) else item for name, item in value.items()}


@quick
@given(valid_customers())
def test_json_and_xml(document: dict[str, Any]) -> None:
    """JSON, XML and JSON again is the identity; the exact form needs no second look."""
    raw = orjson.dumps(document)
    accepted = Judge().accept(read_json(raw, 32))
    assert accepted
    from_xml = Judge().accept(read_xml(accepted.encode("xml"), 32))
    assert from_xml
    assert (accepted.encode("json"), from_xml.encode("json")) == (raw, raw)


@quick
@given(valid_customers())
def test_plain_form(document: dict[str, Any]) -> None:
    """An event without any wrapper says the same."""
    assert sent(bare(document)) == document


NAMED = (
    'xmlns="http://bindings.egain.com/ws/model/v12/gen/interaction/customer" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)


def customer_xml(content: str, declaration: str = "") -> bytes:
    return f"{declaration}<customer {NAMED}>{content}</customer>".encode()


@pytest.mark.parametrize("said", ["true", "1", " true "])
@pytest.mark.parametrize("content", ["", " ", "<!-- nothing -->"])
def test_nil(said: str, content: str) -> None:
    """Such an element is not set, and so is as good as not there."""
    nil = f'<pin xsi:nil="{said}">{content}</pin>'
    assert read_xml(customer_xml(f"{nil}<marketSegment>a</marketSegment>"), 32) == {"marketSegment": "a"}
    assert read_xml(customer_xml(f'<level xsi:nil="{said}"/><type><value xsi:nil="1"/></type>'), 32) == {"type": {}}


def test_nil_in_a_list() -> None:
    """It is no member."""
    person = "http://bindings.egain.com/ws/model/v12/gen/interaction/contactperson"
    persons = f'<c:contactPerson xmlns:c="{person}" xsi:nil="true"/>' * 2
    assert read_xml(customer_xml(f"<contactPersons>{persons}</contactPersons>"), 32) == {"contactPersons": {}}


def test_what_is_not_nil() -> None:
    """It is set; and what the API does not know is not made known by being empty."""
    assert read_xml(customer_xml('<pin xsi:nil="false">1</pin>'), 32) == {"pin": "1"}
    assert read_xml(customer_xml('<shoeSize xsi:nil="true"/>'), 32) == {"shoeSize": ""}


@pytest.mark.parametrize(
    "content", ['<pin xsi:nil="true">1</pin>', '<type xsi:nil="1"><value>group</value></type>', '<pin xsi:nil="yes"/>']
)
def test_a_nil_that_means_two_things(content: str) -> None:
    """It is refused."""
    with pytest.raises(Unreadable, match="xsi:nil"):
        read_xml(customer_xml(content), 32)


@given(st.integers(0, 2000), st.sampled_from(" \t\r\n"), st.sampled_from(["UTF-7", "utf-16", "ISO-8859-1", "x"]))
def test_an_encoding_anywhere_in_the_declaration(distance: int, blank: str, encoding: str) -> None:
    """It is found, however far back it stands, and any other than UTF-8 is refused."""
    declaration = f"<?xml version='1.0' {blank * distance}encoding{blank}={blank}'{encoding}'{blank}?>"
    with pytest.raises(Unreadable, match="another encoding"):
        read_xml(customer_xml("", declaration), 32)


@given(st.integers(0, 2000), st.sampled_from(["UTF-8", "utf-8", "us-ascii"]))
def test_what_is_read_as_it_declares(distance: int, encoding: str) -> None:
    """UTF-8 is."""
    declaration = f'<?xml version="1.0" {" " * distance}encoding="{encoding}"?>'
    assert read_xml(customer_xml("<pin>+AOk-\u00e9</pin>", declaration), 32) == {"pin": "+AOk-\u00e9"}


def test_a_declaration_that_the_parser_reads_and_we_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes are UTF-8 whatever is declared, so that none of them can turn into mark-up."""
    monkeypatch.setattr("worker.customer.xml._DECLARATION", re.compile(b"never"))
    declaration = '<?xml version="1.0" encoding="UTF-7"?>'
    hidden = "+ADwAIQ-DOCTYPE customer+AD4-"
    assert read_xml(customer_xml(f"<pin>{hidden}</pin>", declaration), 32) == {"pin": hidden}


def test_plain_seed() -> None:
    """The full example, written by hand."""
    document = orjson.loads(seed("individual-all.json"))
    plain = bare(document)
    assert plain["role"] == "Partner"
    assert plain["customAttributes"] == [{"attribName": "preferredlang", "attribValues": ["English"]}]
    assert sent(plain) == document


def test_other_order() -> None:
    """Whatever the order of an event, it leaves in that of the API."""
    document = orjson.loads(seed("individual-all.json"))
    backwards = dict(reversed(document.items()))
    assert list(sent(backwards)) == list(document)


PLAIN = {
    "a number": ({"dependents": 4}, {"dependents": "4"}),
    "a decimal": ({"incomeLevel": 4.5}, {"incomeLevel": "4.5"}),
    "booleans": (
        {"isSmoker": True, "hasHoldingDataConsent": False},
        {"isSmoker": "true", "hasHoldingDataConsent": "false"},
    ),
    "null": ({"jobTitle": None, "gender": None}, {}),
    "an empty text": ({"jobTitle": ""}, {"jobTitle": ""}),
    "half wrapped": (
        {"gender": {"value": "male"}, "suffix": "jr."},
        {"gender": {"value": "male"}, "suffix": {"value": "jr."}},
    ),
}


@pytest.mark.parametrize(("given", "expected"), PLAIN.values(), ids=PLAIN.keys())
def test_normalised(given: dict[str, Any], expected: dict[str, Any]) -> None:
    """Scalars become strings, what is null is not there."""
    document = {"type": "individual", "contactPersons": [{"firstName": "Jack", **given}]}
    [person] = sent(document)["contactPersons"]["contactPerson"]
    assert person == {"firstName": "Jack", **expected}


def test_pin() -> None:
    """`Pin`, as one page prints it, is `pin`; beside `pin` it is an element that nobody knows."""
    small = orjson.loads(seed("individual-required.json"))
    assert sent({"Pin": "0121", **small})["pin"] == "0121"
    assert Judge().judge({"Pin": "0121", "pin": "0122", **small}) == (Violation("Pin", "unknown_element"),)


GUESSES = {
    "one for a list": ({"contactPersons": {"contactPerson": {"firstName": "Jack"}}}, "contactPersons.contactPerson"),
    "an element for its only child": ({"department": "Service"}, "department"),
    "a list for a value": ({"pin": ["0121"]}, "pin"),
}


@pytest.mark.parametrize(("given", "path"), GUESSES.values(), ids=GUESSES.keys())
def test_nothing_is_guessed(given: dict[str, Any], path: str) -> None:
    """What would need a guess is of the wrong type."""
    small = orjson.loads(seed("individual-required.json"))
    assert Judge().judge({**small, **given}) == (Violation(path, "type"),)


def test_document_order() -> None:
    """Violations stand in the order of the event, what is missing behind its siblings."""
    document = {
        "zebra": "x",
        "pin": "x" * 256,
        "contactPersons": [{"lastName": "x" * 125, "gender": "x", "firstName": ""}],
        "type": {"value": "individual"},
        "ant": "x",
        "marketSegment": "x" * 51,
    }
    found = Judge(departmentalization=True).judge(document)
    assert isinstance(found, tuple)
    assert [each.path.removeprefix("contactPersons.contactPerson[0].") for each in found] == [
        "zebra",
        "pin",
        "lastName",
        "gender.value",
        "firstName",
        "ant",
        "marketSegment",
        "department.name",
    ]


def test_unknown_kind() -> None:
    """A customer of no known kind is still looked at as a whole."""
    found = Judge().judge({"type": "corporate", "pin": "x" * 256, "contactPersons": [{}]})
    assert isinstance(found, tuple)
    assert [each.rule for each in found] == ["allowed_values", "max_length", "required"]


def test_two_persons_and_their_faults() -> None:
    """One contact person too many hides nothing that is wrong with either."""
    found = Judge().judge({"type": "individual", "contactPersons": [{"firstName": "Jack", "suffix": "x"}, {}]})
    assert isinstance(found, tuple)
    assert [each.rule for each in found] == ["count", "allowed_values", "required"]


def test_values_in_violations() -> None:
    """What an event says is never repeated, and a foreign name only as far as it can be shown."""
    found = Judge().judge({"type": "secret-kind", "pin": {"secret": 1}, "\x1b[31m" + "x" * 100: "secret"})
    assert isinstance(found, tuple)
    assert "secret-kind" not in repr(found)
    assert found[-1].path == "?[31m" + "x" * 59 + "..."


XML = '<c:customer xmlns:c="{CU}" xmlns:p="{CP}" xmlns:x="{CO}">{0}</c:customer>'
NAMESPACES = {
    "CU": "http://bindings.egain.com/ws/model/v12/gen/interaction/customer",
    "CP": "http://bindings.egain.com/ws/model/v12/gen/interaction/contactperson",
    "CO": "http://bindings.egain.com/ws/model/v12/gen/common",
}
TYPE = "<c:type><c:value>individual</c:value></c:type>"
PERSONS = "<c:contactPersons><p:contactPerson><p:firstName>Jack</p:firstName></p:contactPerson></c:contactPersons>"


def xml(content: str) -> Any:
    return read_xml(XML.format(content, **NAMESPACES).encode(), 32)


@pytest.mark.parametrize(
    "content",
    [
        f"{TYPE}{PERSONS}",
        f"<!-- a comment -->{TYPE}<?and an instruction?>\n  {PERSONS}",
        f"<c:type>individual</c:type>{PERSONS}",
        TYPE + PERSONS.replace("Jack", "J<!-- -->a<![CDATA[ck]]>"),
        TYPE + PERSONS.replace("c:contactPersons>", 'c:contactPersons xmlns:q="urn:q">', 1),
        TYPE + PERSONS.replace("<c:", "<c:", 1).replace("Jack", "&#74;ack"),
    ],
)
def test_xml_of_any_hand(content: str) -> None:
    """Prefixes, comments, instructions, CDATA and indentation mean nothing, and a wrapper may be left out."""
    judged = Judge().judge(xml(content))
    assert isinstance(judged, Customer), judged
    assert orjson.loads(judged.encode("json")) == orjson.loads(seed("individual-required.json"))


XML_FAULTS = {
    "another namespace": ("<p:pin>1</p:pin>", "pin{http://bindings.egain.com", "unknown_element"),
    "a foreign element": ("<c:shoeSize><c:x/></c:shoeSize>", "shoeSize", "unknown_element"),
    "no namespace": ('<pin xmlns="">1</pin>', "pin{}", "unknown_element"),
    "an attribute": ('<c:pin id="7">1</c:pin>', "@id", "unknown_element"),
    "text between elements": ("Jack", "#text", "unknown_element"),
    "an element in a text": ("<c:pin><c:b/></c:pin>", "pin", "type"),
    "an empty wrapper": ("<c:level/>", "level.value", "required"),
    "an empty list": ("<c:customAttributes><x:customAttribute/></c:customAttributes>", "", "required"),
}


@pytest.mark.parametrize(("content", "path", "rule"), XML_FAULTS.values(), ids=XML_FAULTS.keys())
def test_xml_faults(content: str, path: str, rule: str) -> None:
    """They are violations like those of JSON."""
    found = Judge().judge(xml(TYPE + PERSONS + content))
    assert isinstance(found, tuple)
    assert found[0].rule == rule
    assert found[0].path.startswith(path)


def test_xsi_attributes() -> None:
    """A schema location is a hint for tools, not a part of the customer."""
    location = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b"'
    content = TYPE.replace("<c:type>", f"<c:type {location}>") + PERSONS
    assert isinstance(Judge().judge(xml(content)), Customer)
