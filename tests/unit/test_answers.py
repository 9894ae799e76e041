"""What each answer of the API means."""

from datetime import UTC, datetime

import pytest
from multidict import CIMultiDict

from worker.customer_api.answers import Meaning, error_code, judge, refuses_session, retry_after
from worker.model.errors import CreatedIdUnknown, OutcomeUnknown, RefusedForNow
from worker.model.outcomes import Failed, HttpAnswer, Succeeded

MEANING = Meaning()
PATH = "/system/ws/v12/interaction/customer/2801"


def answer(status, body=b"", **headers):
    return judge(MEANING, "individual", status, headers, body)


@pytest.mark.parametrize(
    "location",
    [
        PATH,
        f"{PATH}/",
        f"{PATH}?a=b",
        f"{PATH}#top",
        f"{PATH};jsessionid=0A1B.node-1",
        f"{PATH};jsessionid=0A1B/?a=b",
        f"{PATH.replace('/ws/', '/ws;v=1/')}",
        f"http://crm:8080{PATH}",
        f"https://crm{PATH}",
        f"HTTP://elsewhere.example:8080{PATH};jsessionid=1?x#y",
        f"//crm{PATH}",
        f"https://[fe80::1]:8443{PATH}",
        PATH.removeprefix("/"),
        "customer/2801",
    ],
)
def test_a_usable_location(location):
    """The path decides, whatever a proxy or a servlet put around it: its last segment is the id, as a string."""
    assert answer(201, Location=location) == Succeeded("2801", PATH, "individual", 0)


@pytest.mark.parametrize("prefix", ["/\xe4\udcff", "/a b", "/" + "x" * 2000])
def test_a_location_that_cannot_be_passed_on(prefix):
    """The id is known all the same; of the path the end is told."""
    outcome = answer(201, Location=f"{prefix}{PATH}")
    assert outcome == Succeeded("2801", "/interaction/customer/2801", "individual", 0)


@pytest.mark.parametrize(
    "location",
    [
        "",
        "/",
        "//",
        "?id=2801",
        "http://[",
        "http://crm/?at=" + PATH,
        f"{PATH}/ä b",
        f"{PATH}\udcff",
        f"{PATH}%00",
        f"{PATH};/9;",
        "/system/ws/v12/interaction/customer/",
        "/system/ws/v12/interaction/customer/;jsessionid=2801",
        "/system/ws/v12/interaction/contact/2801",
        "/login",
        "/customer/2801",
        "/system/ws/v12/interaction/customer/" + "9" * 65,
    ],
)
def test_a_created_customer_without_a_usable_location(location):
    """It exists and its id is unknown: never sent again. A word of the path, without a digit, is no id."""
    with pytest.raises(CreatedIdUnknown, match="created, id unknown"):
        answer(201, Location=location)


@pytest.mark.parametrize(
    ("locations", "customer_id"),
    [
        ([], None),
        ([PATH, PATH], "2801"),
        ([PATH, f"http://crm{PATH};a=b"], "2801"),
        ([PATH, f"{PATH}9"], None),
        (["", PATH], None),
    ],
)
def test_a_repeated_location(locations, customer_id):
    """Names a customer as long as it names but one."""
    headers = CIMultiDict([("location", location) for location in locations])
    try:
        outcome = judge(MEANING, "individual", 201, headers, b"")
    except CreatedIdUnknown:
        outcome = None
    assert (outcome.customer_id if isinstance(outcome, Succeeded) else None) == customer_id


@pytest.mark.parametrize(
    "status", [100, 101, 199, 200, 202, 204, 299, 303, 500, 501, 502, 504, 505, 520, 524, 599, 600, 999]
)
def test_an_answer_that_leaves_it_open(status):
    """The customer may exist: a gateway that gave up waiting has statuses of its own (524, say)."""
    with pytest.raises(OutcomeUnknown, match=str(status)) as doubt:
        answer(status)
    assert type(doubt.value) is OutcomeUnknown


def certain(status):
    """The outcome, where the status leaves one."""
    try:
        return answer(status, Location=PATH)
    except (OutcomeUnknown, RefusedForNow):
        return None


def test_any_status():
    """Is a success only at 201, and a failure for certain only where the API refused: 3xx, 4xx, but 303, 408, 429."""
    outcomes = {status: certain(status) for status in range(1000)}
    assert {status for status, outcome in outcomes.items() if isinstance(outcome, Succeeded)} == {201}
    failed = {status for status, outcome in outcomes.items() if isinstance(outcome, Failed)}
    assert failed == set(range(300, 500)) - {303, 408, 429}


def test_statuses_that_are_configured_otherwise():
    """What is called unknown is, even a refusal; a creation is a creation."""
    meaning = Meaning(frozenset({201, 400, 503}), frozenset({303, 502}))
    for status, error in {400: OutcomeUnknown, 503: OutcomeUnknown, 502: RefusedForNow, 303: RefusedForNow}.items():
        with pytest.raises(error):
            judge(meaning, "individual", status, {}, b"")
    assert isinstance(judge(meaning, "individual", 201, {"Location": PATH}, b""), Succeeded)


@pytest.mark.parametrize("status", [408, 429, 503])
def test_an_answer_that_means_not_now(status):
    """With the wait that the API asked for."""
    with pytest.raises(RefusedForNow) as refusal:
        answer(status, b'{"code": "503-100"}', **{"Retry-After": "7"})
    assert (refusal.value.status, refusal.value.error_code, refusal.value.retry_after) == (status, "503-100", 7)


@pytest.mark.parametrize(
    ("status", "wait", "error"),
    [
        (503, "7", RefusedForNow),
        (503, "Thu, 01 Jan 2026 00:00:30 GMT", RefusedForNow),
        (503, None, OutcomeUnknown),
        (503, "soon", OutcomeUnknown),
        (429, None, RefusedForNow),
    ],
)
def test_an_answer_that_is_certain_only_with_a_wait(status, wait, error):
    """A proxy that lost the call behind the API says 503 too, and does not know until when."""
    meaning = Meaning(with_wait=frozenset({503}))
    with pytest.raises(error) as raised:
        judge(meaning, "individual", status, {"Retry-After": wait} if wait else {}, b"")
    assert type(raised.value) is error


@pytest.mark.parametrize(
    ("status", "location", "refused"),
    [
        (401, None, True),
        (302, "/system/web/apps/login", True),
        (307, "https://sso.example/login?to=" + PATH, True),
        (302, "https://sso.example" + PATH, False),
        (302, f"http://crm{PATH}/", False),
        (302, "2801", False),
        (302, "../../../web/login", True),
        (302, "//sso.example", True),
        (302, "https://gw.example//[x", True),
        (302, f"https://gw.example/{PATH}", False),
        (302, "http://[", True),
        (302, "/\t/[x", True),
        (302, "\x01//[x", True),
        (302, "a:b://[x", False),
        (302, f"/\t{PATH}", True),
        (302, "", False),
        (302, None, False),
        (301, "/system/web/apps/login", False),
        (303, "/system/web/apps/login", False),
        (308, "/system/web/apps/login", False),
        (200, "/system/web/apps/login", False),
        (403, None, False),
    ],
)
def test_an_answer_that_refuses_the_session(status, location, refused):
    """Some applications lead a dead session to their login page instead of saying 401."""
    assert refuses_session(MEANING, status, {} if location is None else {"Location": location}) is refused


def test_a_redirect_with_a_meaning_of_its_own():
    """What the settings name is not taken for the session's."""
    meaning = Meaning(unknown=frozenset({302}))
    assert not refuses_session(meaning, 302, {"Location": "/login"})
    with pytest.raises(OutcomeUnknown):
        judge(meaning, "individual", 302, {"Location": "/login"}, b"")


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
