"""The event by which a person ends a doubt, `customer.create.confirmed.v1`: written and read here, and nowhere else.

It has the source and the id of the event in doubt, and is published into that event's partition, under its key. A
worker of an earlier version ends it as `unsupported_event`, which does no harm.
"""

from typing import Any, Final, get_args

import orjson

from worker import clocks
from worker.customer.customer_id import usable_id
from worker.customer.documents import Unreadable, glimpsed
from worker.events.cloud_events import CONFIRMED, Content, JsonContent
from worker.events.header_dialects import Told
from worker.events.letter_headers import timestamp
from worker.model.commands import ConfirmCustomer, Kind, Request
from worker.model.records import Record

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


def encode_confirmation(command: ConfirmCustomer) -> bytes:
    """The event, as a structured CloudEvent; `read_confirmation` turns it into the same command again."""
    request = command.request
    event = {
        "specversion": "1.0",
        "id": request.id,
        "source": request.source,
        "type": CONFIRMED,
        "time": timestamp(clocks.moment()),
        "datacontenttype": "application/json",
        "data": {"customerId": command.customer_id, "customerType": command.customer_type},
    }
    passed_on = {"subject": request.subject, "traceparent": request.traceparent, "tracestate": request.tracestate}
    return orjson.dumps(event | {name: value for name, value in passed_on.items() if value})


def confirms(record: Record, headers: Told) -> bool:
    """Whether the record is a confirmation, whatever other events its topic holds."""
    if headers.attributes is not None:
        return headers.attributes.get("type") == CONFIRMED
    if record.value is None or CONFIRMED.encode() not in record.value:
        return False
    document = glimpsed(record.value)
    return isinstance(document, dict) and "specversion" in document and document.get("type") == CONFIRMED


def read_confirmation(request: Request, content: Content) -> ConfirmCustomer:
    """The command that a confirmation holds. Raises Unreadable where it does not name the customer and its kind."""
    data: Any = content.document if isinstance(content, JsonContent) else None
    match data:
        case {"customerId": str(name), "customerType": ("individual" | "group") as kind} if usable_id(name):
            return ConfirmCustomer(request, name, kind)
        case _:
            raise Unreadable("the confirmation does not say which customer it is: customerId and customerType")
