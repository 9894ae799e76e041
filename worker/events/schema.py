"""JSON Schemas (2020-12) of what goes in and comes out.

The commands `schema customer` and `schema events` print them.
"""

from typing import Any, get_args

import orjson

from worker.customer.customer_id import CUSTOMER_ID
from worker.customer.json_schema import DRAFT, customer_schema
from worker.events.cloud_events import CONFIRMED, REQUESTED
from worker.events.letter_schema import letter_headers_schema
from worker.events.results import FAILED, SUCCEEDED
from worker.model.commands import MAX_NAME
from worker.model.outcomes import ReasonCode, Resolution, Rule
from worker.terminal.text import escaped

__all__ = ["customer_schema", "events_schema", "printed"]

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string", "minLength": 1}
_NAME: Schema = {**_TEXT, "maxLength": MAX_NAME}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_CUSTOMER_ID: Schema = {"type": "string", "pattern": f"^{CUSTOMER_ID}$"}
_CUSTOMER_TYPE: Schema = {"enum": ["individual", "group"]}
_PLACE: Schema = {"topic": _TEXT, "partition": _COUNT, "offset": _COUNT}


def events_schema() -> Schema:
    """Any of the four CloudEvents, in structured mode; `deadLetterHeaders` describes dead letters, the fifth."""
    customer = customer_schema()
    definitions = customer.pop("$defs")
    events = {"requested": _requested(), "confirmed": _confirmed(), "succeeded": _succeeded(), "failed": _failed()}
    return {
        "$schema": DRAFT,
        "$id": "urn:customer-worker:schema:events",
        "title": "Events of the customer worker",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in events],
        "$defs": {
            **events,
            "deadLetterHeaders": letter_headers_schema(),
            "customer": {"anyOf": customer["anyOf"]},
            **definitions,
        },
    }


def printed(schema: Schema) -> str:
    """The schema as indented text, as it is written to a file."""
    return escaped(orjson.dumps(schema, option=orjson.OPT_INDENT_2).decode())


def _event(type_: str, properties: Schema, **keywords: Any) -> Schema:  # noqa: ANN401  # any keyword's value
    return {
        "title": type_,
        "type": "object",
        "properties": {
            "specversion": {"const": "1.0"},
            "id": _NAME,
            "source": {**_NAME, "format": "uri-reference"},
            "type": {"const": type_},
            "subject": _NAME,
            "time": {"type": "string", "format": "date-time"},
            "traceparent": {"type": "string"},
            "tracestate": {"type": "string"},
            **properties,
        },
        "required": ["specversion", "id", "source", "type"],
        **keywords,
    }


def _requested() -> Schema:
    """The request event: its data is the customer in JSON, or a string with XML; either may come in base64."""
    xml = {"pattern": "^(application|text)/([^;]*\\+)?xml"}
    as_xml = {
        "properties": {"datacontenttype": xml, "data": {"type": "string"}},
        "required": ["datacontenttype", "data"],
    }
    as_json = {
        "properties": {"datacontenttype": {"not": xml}, "data": {"$ref": "#/$defs/customer"}},
        "required": ["data"],
    }
    in_base64 = {"properties": {"data": False}, "required": ["data_base64"]}
    own = {"datacontenttype": {"type": "string"}, "data_base64": {"type": "string", "contentEncoding": "base64"}}
    return _event(REQUESTED, own, oneOf=[as_json, as_xml, in_base64])


def _confirmed() -> Schema:
    """The confirmation: the id of the event in doubt, and the customer that a person found for it."""
    return _result(CONFIRMED, _object({"customerId": _CUSTOMER_ID, "customerType": _CUSTOMER_TYPE}))


def _succeeded() -> Schema:
    data = {
        "request": _object({"id": _TEXT, "source": _TEXT, **_PLACE}),
        "customerId": _TEXT,
        "location": _TEXT,
        "customerType": _CUSTOMER_TYPE,
        "resolution": {"enum": list(get_args(Resolution))},
        "attempts": _COUNT,
    }
    return _result(SUCCEEDED, _object(data))


def _failed() -> Schema:
    violation = _object({"path": {"type": "string"}, "rule": {"enum": list(get_args(Rule))}})
    violation["properties"] |= {"limit": _COUNT, "allowed": {"type": "array", "items": {"type": "string"}}}
    http = _object({"status": {"type": "integer"}})
    http["properties"] |= {"errorCode": {"type": "string"}}
    reason = _object({"code": {"enum": [code.value for code in ReasonCode]}, "message": {"type": "string"}})
    reason["properties"] |= {"violations": {"type": "array", "items": violation}, "http": http}
    data = {
        "request": _object({"id": _TEXT, "source": _TEXT, **_PLACE}),
        "attempts": _COUNT,
        "reason": reason,
        "deadLetter": _object(_PLACE),
    }
    return _result(FAILED, _object(data))


def _result(type_: str, data: Schema) -> Schema:
    event = _event(type_, {"datacontenttype": {"const": "application/json"}, "data": data})
    return {**event, "required": [*event["required"], "data"]}


def _object(properties: Schema) -> Schema:
    """An object that must have all of these properties; others are allowed."""
    return {"type": "object", "properties": dict(properties), "required": list(properties)}
