"""The API's own examples, read and written again."""

import orjson
import pytest
from builders import seed
from lxml import etree

from worker.customer import Customer, Format, Judge
from worker.customer.documents import read_json
from worker.customer.xml import read_xml

EXAMPLES = ["individual-required", "individual-all"]


def customer(example: str, form: str) -> Customer:
    raw = seed(f"{example}.{form}")
    accepted = Judge().accept(read_json(raw, 32) if form == "json" else read_xml(raw, 32))
    assert accepted
    return accepted


def canonical(xml: bytes) -> bytes:
    """Exclusive C14N without the indentation: an unused namespace declaration means nothing."""
    root = etree.fromstring(xml, etree.XMLParser(remove_blank_text=True))
    return etree.tostring(root, method="c14n", exclusive=True)


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("read", ["json", "xml"])
def test_seed_as_json(example: str, read: str) -> None:
    """Whether it came as JSON or as XML, it leaves as the JSON of the page, in its order."""
    written = customer(example, read).encode("json")
    assert written == orjson.dumps(orjson.loads(seed(f"{example}.json")))


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("read", ["json", "xml"])
def test_seed_as_xml(example: str, read: str) -> None:
    """Whether it came as JSON or as XML, it leaves as the XML of the page."""
    assert canonical(customer(example, read).encode("xml")) == canonical(seed(f"{example}.xml"))


def test_all_five_namespaces() -> None:
    """The full example leaves with the same five declarations, so that even inclusive C14N is equal."""
    both = [seed("individual-all.xml"), customer("individual-all", "json").encode("xml")]
    parser = etree.XMLParser(remove_blank_text=True)
    ours, theirs = [etree.tostring(etree.fromstring(xml, parser), method="c14n") for xml in both]
    assert ours == theirs
    assert ours.count(b"xmlns") == 5


def test_what_the_worker_asks_of_a_customer() -> None:
    """Its kind and its first e-mail address."""
    full, small = customer("individual-all", "json"), customer("individual-required", "json")
    assert (full.customer_type, full.first_email) == ("individual", "john.russel@customer.com")
    assert (small.customer_type, small.first_email) == ("individual", None)


@pytest.mark.parametrize("form", ["json", "xml"])
def test_repr_and_personal_data(form: Format) -> None:
    """A customer can be logged by accident without telling anything."""
    assert "Jack" not in repr(customer("individual-required", form))
