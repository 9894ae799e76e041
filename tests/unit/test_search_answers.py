"""What the answers to a search mean."""

import orjson
import pytest

from worker.customer_api.http import MAX_BODY, Answer
from worker.customer_api.search import criterion, found
from worker.model.errors import ApiUnavailable, SearchRefused

CUSTOMER = "http://bindings.egain.com/ws/model/v12/gen/interaction/customer"
TWO = (
    f'<?xml version="1.0"?><customers xmlns="{CUSTOMER}" xmlns:ns2="urn:x"><paginationInfo id="9"/>'
    '<customer id="2801"><link id="1"/><ns2:department id="999"/></customer><customer id="2802"/></customers>'
)


def answer(body):
    return Answer(200, {}, body)


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        (b'{"customer": [{"id": "2801"}]}', ["2801"]),
        (b'{"customer": [{"id": 2801, "contactPersons": {"contactPerson": [{"id": "7"}]}}]}', ["2801"]),
        (b'{"customer": [{"id": "2801"}, {"id": "2802"}, {"id": "2801"}], "count": 3}', ["2801", "2802"]),
        (TWO.encode(), ["2801", "2802"]),
        (TWO.replace("customers xmlns", "customers xmlns:a='urn:a' xmlns").encode("utf-8-sig")[3:], ["2801", "2802"]),
        (f'\n<c:customers xmlns:c="{CUSTOMER}"><c:customer id="2801"/></c:customers>'.encode(), ["2801"]),
    ],
)
def test_customers(body, ids):
    """Their ids, as strings, each once; the ids of what is inside a customer are not theirs."""
    assert found(answer(body)) == ids


def test_nobody():
    """204, and nothing else."""
    assert found(Answer(204, {})) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"7",
        b'"customer"',
        b"{}",
        b'{"customer": []}',
        b'{"customer": null}',
        b'{"customer": {"id": "2801"}}',
        b'{"customer": "2801"}',
        b'{"customer": [2801]}',
        b'{"customer": [{}]}',
        b'{"customer": [{"id": null}]}',
        b'{"customer": [{"id": true}]}',
        b'{"customer": [{"id": ["2801"]}]}',
        b'{"customer": [{"id": ""}]}',
        b'{"customer": [{"id": "no id"}]}',
        b'{"customer": [{"id": "2801"}, {}]}',
        b'{"customer": [{"id": "2801"}',
        '{"customer": [{"id": "2801"}]}'.encode("utf-16"),
        b"\xff\xfe",
        b"<html><body>Log in</body></html>",
        b"<customers/>",
        b'<customers><customer id="2801">',
        b"<customers><customer/></customers>",
        b'<error xmlns="urn:x"><customer id="2801"/></error>',
        b'<customers><wrapper><customer id="2801"/></wrapper></customers>',
        b'<!DOCTYPE customers [<!ENTITY a "2801">]><customers><customer>&a;</customer></customers>',
        b"<",
    ],
)
def test_a_body_that_cannot_be_read(body):
    """Finds nothing out; above all it is never taken for nobody, which would allow another POST."""
    with pytest.raises(SearchRefused, match="no customers that can be read"):
        found(answer(body))


@pytest.mark.parametrize("status", [201, 202, 206, 301, 302, 400, 404, 405, 406, 410, 422])
def test_an_answer_that_refuses(status):
    """The look-up can tell nothing, now or later."""
    with pytest.raises(SearchRefused, match=str(status)):
        found(Answer(status, {}))


def test_a_missing_permission():
    """Names what the API's user lacks."""
    with pytest.raises(SearchRefused, match="View Agent Console"):
        found(Answer(403, {}))


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 599])
def test_an_answer_that_says_nothing_yet(status):
    """A search may be asked again."""
    with pytest.raises(ApiUnavailable, match=str(status)):
        found(Answer(status, {}))


def test_an_answer_that_broke_off():
    """A search may be asked again, also when what came could be read."""
    with pytest.raises(ApiUnavailable, match="broke off"):
        found(Answer(200, {}, b'{"customer": [{"id": "2801"}]}', whole=False))


def test_an_answer_that_is_too_long():
    """It would be as long the next time."""
    with pytest.raises(SearchRefused):
        found(Answer(200, {}, orjson.dumps({"customer": [{"id": "x" * MAX_BODY}]})[:MAX_BODY], whole=False))


def test_a_criterion():
    """Everything that means something in a query is escaped, in the name too."""
    assert criterion("custom.a b", "x+y&z=ä/%") == "custom.a%20b=x%2By%26z%3D%C3%A4%2F%25"
