"""What the API said of a create call, judged by a pure function (docs: guarantees, what an answer means)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

from worker import clocks
from worker.customer.customer_id import usable_id
from worker.model.errors import CreatedIdUnknown, OutcomeUnknown, RefusedForNow
from worker.model.outcomes import Failed, HttpAnswer, Outcome, Reason, ReasonCode, Succeeded

# Both error bodies carry a code such as 400-101; nothing else of a body is kept: it may echo personal data
# (docs: api, error bodies). The search is on bytes, so that a wrong charset or a cut body changes nothing.
_CODE = re.compile(rb"""["<](?:\w+:)?code["\s]*[:>]\s*"?(\d{3}-\d{1,6})["<]""")
# A reference may have a scheme and a host before its path, and a query and a fragment behind it.
_PATH = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?(//[^/?#]*)?([^?#]*)")
_CUSTOMER = re.compile(r".*(/interaction/customer/([^/]*))", re.DOTALL)
_TOLD_AS_IT_IS = re.compile(r"/[!-~]{1,1023}")


@dataclass(frozen=True, slots=True)
class Meaning:
    """Which statuses are unknown outcomes, and which mean "not now".

    A status of `with_wait` means "not now" only with a Retry-After, and is unknown without. A status in none of them is
    a refusal where the API can only have refused, and unknown otherwise. All paths of the API begin with `own_path`.
    """

    unknown: frozenset[int] = frozenset({500, 502, 504})
    not_now: frozenset[int] = frozenset({408, 429, 503})
    with_wait: frozenset[int] = frozenset()
    own_path: str = "/system/ws/v12/"


def judge(meaning: Meaning, customer_type: str, status: int, headers: Mapping[str, str], body: bytes) -> Outcome:
    """The outcome, with its attempts not counted yet. Raises RefusedForNow, OutcomeUnknown and CreatedIdUnknown."""
    if status == 201:
        return _created(meaning.own_path, customer_type, headers)
    http = HttpAnswer(status, error_code(body))
    wait = retry_after(headers, clocks.moment())
    if status in meaning.unknown or (status in meaning.with_wait and wait is None):
        raise OutcomeUnknown(f"the API answered {status}")
    if status in meaning.not_now:
        raise RefusedForNow(status, http.error_code, wait)
    # 303 is what a server says after it has carried out a POST.
    if status == 303 or not 300 <= status < 500:
        raise OutcomeUnknown(f"the API answered {status}, which is no answer to a creation")
    return Failed(_reason(http))


def refuses_session(meaning: Meaning, status: int, headers: Mapping[str, str]) -> bool:
    """Whether the call was refused before it ran, because of its session.

    That is so at a 401, and at a redirect (302, 307) that leads out of the API, as to a login page. Only the path
    counts, whatever scheme and host a proxy put before it. A status that the settings give a meaning keeps that.
    """
    if status in {302, 307} and status not in meaning.unknown | meaning.not_now:
        target = headers.get("Location", "")
        # A path that begins with two slashes would be read as a host, and an impossible host raises.
        led_to = urljoin(f"{meaning.own_path}interaction/customer", re.sub("^/+", "/", _path(target)))
        return bool(target) and not led_to.startswith(meaning.own_path)
    return status == 401


def error_code(body: bytes) -> str | None:
    """The API's own code, if the body has one."""
    found = _CODE.search(body)
    return found.group(1).decode() if found else None


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """The seconds that Retry-After asks for, by a number or a date; None for anything else."""
    value = headers.get("Retry-After", "").strip()
    if value.isdecimal() and len(value) < 10:
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def _created(own_path: str, customer_type: str, headers: Mapping[str, str]) -> Succeeded:
    """The success of a 201. The id is the last segment of the path in `Location`; CreatedIdUnknown without just one."""
    found = {_customer(own_path, value) for name, value in headers.items() if name.lower() == "location"}
    path, customer_id = found.pop() if len(found) == 1 else ("", "")
    if not usable_id(customer_id):
        raise CreatedIdUnknown("the API answered 201 without a usable Location: created, id unknown")
    return Succeeded(customer_id, path, customer_type, attempts=0)


def _customer(own_path: str, location: str) -> tuple[str, str]:
    """(path, id) of `.../interaction/customer/ID`. A path with odd characters is cut to that part."""
    named = re.sub(r";[^/]*", "", _path(location)).rstrip("/")
    path = f"{own_path}interaction/{named}" if named.startswith("customer/") else f"/{named.lstrip('/')}"
    found = _CUSTOMER.fullmatch(path)
    if found is None:
        return "", ""
    return (path if _TOLD_AS_IT_IS.fullmatch(path) else found[1]), found[2]


def _path(location: str) -> str:
    """Where a reference leads, without scheme and host, query and fragment."""
    found = _PATH.match(location)
    return (found[2] or ("/" if found[1] else "")) if found else ""


def _reason(http: HttpAnswer) -> Reason:
    code = f" ({http.error_code})" if http.error_code else ""
    match http.status:
        case 400:
            return Reason(ReasonCode.REJECTED, f"the API rejected the customer: 400{code}", http=http)
        case 403:
            return Reason(ReasonCode.FORBIDDEN, f"the API's user may not create this customer: 403{code}", http=http)
        case status:
            return Reason(ReasonCode.REFUSED, f"the API refused the call: {status}{code}", http=http)
