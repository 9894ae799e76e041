"""What a search found (docs: api, searching).

An answer that cannot be read counts as no finding, never as no customer.
"""

from urllib.parse import quote

import orjson
from lxml import etree

from worker.customer.customer_id import usable_id
from worker.customer_api.http import MAX_BODY, Answer
from worker.model.errors import ApiUnavailable, SearchRefused


def criterion(name: str, value: str) -> str:
    """The query for one exact match."""
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
    """Whether the status says nothing of what was asked, so that it is to be asked again."""
    return status in {408, 429} or status >= 500


def listed(answer: Answer) -> bytes:
    """The body of a whole answer; empty where nothing is configured. Raises ApiUnavailable and SearchRefused."""
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
    """The ids of a 200, at least one: the API says 204 for no customer, so that an empty list cannot be relied on."""
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
    """The ids in a `customers` element: the attribute `id` of each `customer` in it."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        return []
    if etree.QName(root).localname != "customers":
        return []
    return [customer.get("id") for customer in root.iterchildren("{*}customer")]
