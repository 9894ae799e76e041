"""What an answer to a create call means (design 4.5): a pure function of what the API said."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from yarl import URL

from worker.customer_id import usable_id
from worker.errors import CreatedIdUnknown, OutcomeUnknown, RefusedForNow
from worker.outcomes import Failed, HttpAnswer, Outcome, Reason, ReasonCode, Succeeded

# Both error bodies carry a code such as 400-101; nothing else of a body is kept: it may echo personal data
# (reference 4.1). The search is on bytes, so that a wrong charset or a cut body changes nothing.
_PLAIN = re.compile(r"(?:/[A-Za-z0-9_-]+)+/?")
_CODE = re.compile(rb"""["<](?:\w+:)?code["\s]*[:>]\s*"?(\d{3}-\d{1,6})["<]""")


@dataclass(frozen=True, slots=True)
class Meaning:
    """The configurable part: which statuses are unknown outcomes and which are "not now"."""

    origin: URL
    unknown_statuses: frozenset[int]
    retry_statuses: frozenset[int]


def judge(meaning: Meaning, customer_type: str, status: int, headers: Mapping[str, str], body: bytes) -> Outcome:
    """The outcome, its attempts not yet counted; or RefusedForNow, OutcomeUnknown, CreatedIdUnknown."""
    http = HttpAnswer(status, error_code(body))
    if status == 201:
        return _created(meaning.origin, customer_type, headers)
    if status in meaning.unknown_statuses:
        raise OutcomeUnknown(f"the API answered {status}")
    if status in meaning.retry_statuses:
        raise RefusedForNow(status, http.error_code, retry_after(headers, datetime.now(UTC)))
    if not 300 <= status < 500:
        raise OutcomeUnknown(f"the API answered {status}, which is no answer to a creation")
    return Failed(_reason(http))


def error_code(body: bytes) -> str | None:
    """The API's own code, if the body has one."""
    found = _CODE.search(body)
    return found.group(1).decode() if found else None


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds, from a number or a date; None for anything else."""
    value = headers.get("Retry-After", "").strip()
    if value.isdecimal() and len(value) < 10:
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def _created(origin: URL, customer_type: str, headers: Mapping[str, str]) -> Succeeded:
    """201: the id is the last segment of `Location`, relative or absolute on the same origin; two of them are none."""
    locations = {value for name, value in headers.items() if name.lower() == "location"}
    path = _path(origin, locations.pop()) if len(locations) == 1 else ""
    customer_id = path.rpartition("/")[2]
    if not usable_id(customer_id):
        raise CreatedIdUnknown("the API answered 201 without a usable Location: created, id unknown")
    return Succeeded(customer_id, path, customer_type, attempts=0)


def _path(origin: URL, location: str) -> str:
    """Where it leads on that origin, without a slash at the end; nothing for what leads elsewhere or nowhere."""
    if _PLAIN.fullmatch(location):  # as nearly every answer has it: a URL takes 7 µs
        return location.rstrip("/")
    try:
        url = origin.join(URL(location))
        return url.path.rstrip("/") if location.isascii() and url.origin() == origin else ""
    except ValueError:
        return ""


def _reason(http: HttpAnswer) -> Reason:
    code = f" ({http.error_code})" if http.error_code else ""
    match http.status:
        case 400:
            return Reason(ReasonCode.REJECTED, f"the API rejected the customer: 400{code}", http=http)
        case 403:
            return Reason(ReasonCode.FORBIDDEN, f"the API's user may not create this customer: 403{code}", http=http)
        case status:
            return Reason(ReasonCode.REFUSED, f"the API refused the call: {status}{code}", http=http)
