"""CloudEvents in headers, in every dialect that producers write."""

import struct

import pytest
from builders import ATTRIBUTES, record, seed
from hypothesis import given
from hypothesis import strategies as st

from worker.events.decode import Decoder
from worker.events.header_dialects import GARBLED, PREFIXES, told
from worker.model.commands import CreateCustomer, Unusable
from worker.model.outcomes import ReasonCode

BODY = seed("individual-required.json")
IDENTITY = ("urn:crm", "e-1")
WRITTEN = ("ce_", "ce-", "cloudEvents:", "cloudEvents_")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


def plain(text: str) -> bytes:
    return text.encode()


def short(text: str) -> bytes:
    return b"\xa1" + struct.pack(">B", len(text.encode())) + text.encode()


def long(text: str) -> bytes:
    return b"\xb1" + struct.pack(">I", len(text.encode())) + text.encode()


ENCODINGS = [plain, short, long]
PREFIX = st.sampled_from(WRITTEN).flatmap(
    lambda prefix: st.sampled_from([prefix, prefix.upper(), prefix.lower(), prefix.title()])
)


def test_all_prefixes_are_tried():
    """Those of the decoder, as their specifications write them."""
    assert tuple(prefix.lower() for prefix in WRITTEN) == PREFIXES


@pytest.mark.parametrize("encode", ENCODINGS)
@pytest.mark.parametrize("prefix", WRITTEN)
def test_a_dialect(prefix, encode):
    """The event has its own name, its subject and its type, whatever they are written as."""
    headers = [(prefix + name, encode(value)) for name, value in ATTRIBUTES.items()]
    decoded = Decoder()(record(BODY, *headers, ("Content-Type", encode("application/json"))))
    assert isinstance(decoded, CreateCustomer)
    request = decoded.request
    assert ((request.source, request.id), request.subject) == (IDENTITY, ATTRIBUTES["subject"])


@given(PREFIX, st.sampled_from(ENCODINGS), st.sampled_from(["customer.delete.requested.v1", "x"]))
def test_another_type_in_any_dialect(prefix, encode, type_):
    """An event that asks for something else makes no customer, although its value is one."""
    attributes = {**ATTRIBUTES, "type": type_}
    decoded = Decoder()(record(BODY, *[(prefix + name, encode(value)) for name, value in attributes.items()]))
    assert isinstance(decoded, Unusable)
    assert decoded.reason.code is ReasonCode.UNSUPPORTED_EVENT


@given(PREFIX, st.sampled_from(["id", "source", "type", "specversion"]), st.none() | st.binary(max_size=40))
def test_any_sign_of_a_cloud_event(prefix, name, value):
    """One header of the four, whatever it holds, and the value is no bare customer."""
    decoded = Decoder()(record(BODY, (prefix + name, value)))
    assert isinstance(decoded, Unusable)
    assert decoded.reason.code is ReasonCode.UNDECODABLE


@given(st.permutations(list(ATTRIBUTES.items())), st.lists(PREFIX, min_size=5, max_size=5))
def test_mixed_dialects(attributes, prefixes):
    """Each attribute may come in another one."""
    headers = [(prefix + name, value.encode()) for prefix, (name, value) in zip(prefixes, attributes, strict=True)]
    assert isinstance(Decoder()(record(BODY, *headers)), CreateCustomer)


@pytest.mark.parametrize("name", ["id", "source", "type", "specversion", "subject"])
def test_dialects_that_contradict_each_other(name):
    """Two readers would read two events: it is none."""
    good = [(f"ce_{each}", value.encode()) for each, value in ATTRIBUTES.items()]
    assert isinstance(Decoder()(record(BODY, *good, (f"ce-{name}", ATTRIBUTES[name].encode()))), CreateCustomer)
    decoded = Decoder()(record(BODY, *good, (f"ce-{name}", b"other")))
    assert isinstance(decoded, Unusable)
    assert decoded.reason.code is ReasonCode.UNDECODABLE


def test_one_header_several_times():
    """The last one counts, also where it cannot be read."""
    said = told(record(BODY, ("ce_id", b"1"), ("CE_ID", b"2"), ("ce_source", b"a"), ("ce_source", b"\xff")))
    assert said.attributes == {"id": "2", "source": GARBLED}


def test_headers_that_are_no_sign():
    """What only begins like one leaves the value a bare customer."""
    headers = (("ce_time", b"now"), ("ceid", b"1"), ("ce", b"1"), ("x-ce_id", b"1"), ("cloudEventsid", b"1"))
    assert isinstance(Decoder()(record(BODY, *headers)), CreateCustomer)


def test_the_content_type_of_the_data():
    """As an attribute, where no header of its own tells it."""
    headers = [(f"ce_{name}", value.encode()) for name, value in ATTRIBUTES.items()]
    xml = seed("individual-required.xml")
    assert isinstance(Decoder()(record(xml, *headers, ("ce_datacontenttype", b"application/xml"))), CreateCustomer)
    assert isinstance(Decoder()(record(BODY, *headers, ("ce_datacontenttype", b"application/xml"))), Unusable)


@given(TEXTS, st.booleans())
def test_texts(text, is_long):
    """Plain or as AMQP encodes it, a text is that text."""
    values = [plain(text), long(text), *([short(text)] if len(text.encode()) < 256 else [])]
    for value in values:
        assert told(record(b"", ("a", value))).texts == {"a": text}


@given(st.lists(st.tuples(st.sampled_from(["ce_id", "ce-id", "a", "CE_TYPE"]), st.none() | st.binary(max_size=8))))
def test_any_bytes(headers):
    """Nothing breaks, and every text is one."""
    said = told(record(b"", *headers))
    assert all(isinstance(text, str) for text in said.texts.values())


@pytest.mark.parametrize("value", [b"\xa1", b"\xa1\x02a", b"\xa1\x00a", b"\xb1\x00\x00\x00", b"\xa1\x01\xff", b"\xb1"])
def test_a_string_of_amqp_that_is_cut(value):
    """It is no text."""
    assert told(record(b"", ("ce_id", value))).attributes == {"id": GARBLED}
