"""What a search found (docs: api, searching); whatever cannot be read for certain finds nothing out, never nobody."""

from urllib.parse import quote

import orjson
from lxml import etree

from worker.customer.customer_id import usable_id
from worker.customer_api.http import MAX_BODY, Answer
from worker.model.errors import ApiUnavailable, SearchRefused


def criterion(name: str, value: str) -> str:
    """One exact match, as a query."""
    return f"{quote(name, safe='')}={quote(value, safe='')}"


def found(answer: Answer) -> list[str]:
    """The ids of the customers that match, each once. Raises SearchRefused and ApiUnavailable."""
    match answer.status:
        case 204:
            return []
        case 200:
            return _ids(answer)
        case 403:
            raise SearchRefused("the API's user may not search: 403; it needs the action 'View Agent Console'")
        case status if not_now(status):
            raise ApiUnavailable(f"the search answered {status}")
        case status:
            raise SearchRefused(f"the API refused the search: {status}")


def not_now(status: int) -> bool:
    """Such an answer says nothing of what was asked."""
    return status in {408, 429} or status >= 500


def listed(answer: Answer) -> bytes:
    """The body of a whole answer; nothing is configured where there is none."""
    if answer.status == 204:
        return b""
    if not_now(answer.status):
        raise ApiUnavailable(f"the list answered {answer.status}")
    if answer.status != 200:
        raise SearchRefused(f"the API did not list it: {answer.status}")
    if not answer.whole:
        raise ApiUnavailable(f"the answer broke off, or is longer than {MAX_BODY} bytes")
    return answer.body


def _ids(answer: Answer) -> list[str]:
    """At least one: nobody is a 204, so that an empty list is no answer that the API's page knows."""
    if not answer.whole and len(answer.body) < MAX_BODY:
        raise ApiUnavailable("the search's answer broke off")
    ids = _of_xml(answer.body) if answer.body.lstrip().startswith(b"<") else _of_json(answer.body)
    if not ids or not all(map(usable_id, ids)):
        raise SearchRefused("the search answered 200 and no customers that can be read")
    return list(dict.fromkeys(map(str, ids)))


def _of_json(body: bytes) -> list[object]:
    try:
        customers = orjson.loads(body)["customer"]
        return [customer["id"] for customer in customers]
    except (ValueError, KeyError, TypeError, IndexError):
        return []


def _of_xml(body: bytes) -> list[object]:
    """`customers` around each `customer`, whose id is an attribute."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        return []
    if etree.QName(root).localname != "customers":
        return []
    return [customer.get("id") for customer in root.iterchildren("{*}customer")]
