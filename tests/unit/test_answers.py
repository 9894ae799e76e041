"""What each answer of the API means."""

from datetime import UTC, datetime

import pytest
from yarl import URL

from worker.customer_api.answers import Meaning, error_code, judge, retry_after
from worker.errors import OutcomeUnknown, RefusedForNow
from worker.outcomes import Failed, HttpAnswer, Succeeded

MEANING = Meaning(URL("http://crm:8080"), frozenset({502, 504}), frozenset({408, 429, 500, 503}))
PATH = "/system/ws/v12/interaction/customer/2801"


def answer(status, body=b"", **headers):
    return judge(MEANING, "individual", status, headers, body)


@pytest.mark.parametrize(
    "location", [PATH, f"{PATH}/", f"{PATH}?a=b", f"http://crm:8080{PATH}", f"{PATH}#top", PATH.removeprefix("/")]
)
def test_a_usable_location(location):
    """Relative or absolute on the same origin: the last segment is the id, as a string."""
    assert answer(201, Location=location) == Succeeded("2801", PATH, "individual", 0)


@pytest.mark.parametrize(
    "location", ["", "/", "http://elsewhere:8080" + PATH, "https://crm:8080" + PATH, "http://[", f"{PATH}/ä b", "//"]
)
def test_a_created_customer_without_a_usable_location(location):
    """It exists and its id is unknown: never sent again."""
    with pytest.raises(OutcomeUnknown, match="created, id unknown"):
        answer(201, Location=location)


@pytest.mark.parametrize("status", [200, 202, 204, 502, 504])
def test_an_answer_that_leaves_it_open(status):
    """The customer may exist."""
    with pytest.raises(OutcomeUnknown, match=str(status)):
        answer(status)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_an_answer_that_means_not_now(status):
    """With the wait that the API asked for."""
    with pytest.raises(RefusedForNow) as refusal:
        answer(status, b'{"code": "503-100"}', **{"Retry-After": "7"})
    assert (refusal.value.status, refusal.value.error_code, refusal.value.retry_after) == (status, "503-100", 7)


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "rejected"), (403, "forbidden")] + [(status, "refused") for status in (301, 302, 404, 405, 406, 409, 422)],
)
def test_a_final_answer(status, code):
    """The reason says which."""
    outcome = answer(status)
    assert isinstance(outcome, Failed)
    assert (outcome.reason.code, outcome.reason.http) == (code, HttpAnswer(status))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"code": "400-101", "developerMessage": "secret"}', "400-101"),
        (b'{"developerMessage":"x","code":"400-101"}', "400-101"),
        (b'<error xmlns="urn:x"><code>401-101</code><developerMessage>secret</developerMessage></error>', "401-101"),
        (b"<ns2:error><ns2:code>401-101</ns2:code></ns2:error>", "401-101"),
        (b"<Error><message>User could not be authenticated.</message></Error>", None),
        (b"<html><body>502 Bad Gateway</body></html>", None),
        (b'{"code": "John Smith"}', None),
        (b'{"code": 12}', None),
        (b'{"code": "400-10', None),
        ('{"code": "400-101"}'.encode("utf-16"), None),
        (b"", None),
        (b"\xff\xfe\x00", None),
    ],
)
def test_the_code_of_an_error_body(body, code):
    """Of JSON and both XML bodies; anything else has none, and nothing else of a body is kept."""
    assert error_code(body) == code


NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        ("Thu, 01 Jan 2026 00:00:30 GMT", 30),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("9" * 40, None),
        ("Thu, 01 Jan 2026 00:00:30", None),
    ],
)
def test_retry_after(value, seconds):
    """Seconds or a date; anything else is as if it were not there."""
    assert retry_after({"Retry-After": value}, NOW) == seconds
