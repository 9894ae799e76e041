"""JSON Schema of a dead letter's headers, as texts by name; binary numbers are described by their bytes."""

from typing import Any

from worker.events import letter_headers as names
from worker.model.outcomes import ReasonCode

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "string", "pattern": "^[0-9]+$"}
_MOMENT: Schema = {"type": "string", "format": "date-time"}


def letter_headers_schema() -> Schema:
    """The headers that the worker adds, in three dialects, behind the original ones, which may be any."""
    own, others = _own(), {**_spring(), **_connect()}
    optional = {names.HTTP_STATUS, names.ERROR_CODE, names.VIOLATIONS}
    marks = {names.CUSTOMER_EXISTS, names.PAYLOAD, names.ORIGINAL, names.VALUE, names.HEADERS}
    return {
        "title": "Headers of a dead letter",
        "type": "object",
        "properties": {**own, **others},
        "required": [name for name in (*own, *others) if name not in optional | marks],
    }


def _own() -> Schema:
    return {
        names.REASON: {"enum": [code.value for code in ReasonCode]},
        names.EVENT_SOURCE: _say(_TEXT, "The event's source: with its id, what a copy of this record is taken for."),
        names.EVENT_ID: _say(_TEXT, "The event's id."),
        names.HTTP_STATUS: _say(_NUMBER, "What the API answered last, if it answered."),
        names.ERROR_CODE: _say(_TEXT, "The API's own error code."),
        names.ATTEMPTS: _say(_NUMBER, "Answered attempts."),
        names.REPLAYS: _say(_NUMBER, "How often the record was replayed before."),
        names.FIRST_SEEN: _MOMENT,
        names.FAILED_AT: _MOMENT,
        names.VERSION: _say(_TEXT, "The worker's version."),
        names.VIOLATIONS: _say(_TEXT, "JSON, as reason.violations of the failed event."),
        names.CUSTOMER_EXISTS: {
            "enum": [names.TRUE.decode(), names.PERHAPS.decode()],
            "description": "The API said that it made the event's customer, and not under which id; or it may have, "
            "before a person had it sent all the same.",
        },
        names.PAYLOAD: {"const": names.OMITTED.decode(), "description": "The original value was left out."},
        names.ORIGINAL: {
            "const": names.OMITTED.decode(),
            "description": "With the value the key and the original headers were left out.",
        },
        names.HEADERS: {
            "const": names.UNREADABLE.decode(),
            "description": "The original headers could not be read, and are not all here.",
        },
        names.VALUE: {"const": names.NULL.decode(), "description": "The original value was null, and so was the key."},
    }


def _spring() -> Schema:
    told = {
        "original-topic": _TEXT,
        "original-partition": _say(_TEXT, "4 bytes, big-endian."),
        "original-offset": _say(_TEXT, "8 bytes, big-endian."),
        "original-timestamp": _say(_TEXT, "8 bytes, big-endian; milliseconds since the epoch."),
        "original-consumer-group": _TEXT,
        "exception-fqcn": _TEXT,
        "exception-message": _say(_TEXT, "`<reason>: <sentence>`."),
    }
    return {names.SPRING + name: schema for name, schema in told.items()}


def _connect() -> Schema:
    told = {
        "topic": _TEXT,
        "partition": _NUMBER,
        "offset": _NUMBER,
        "exception.class.name": _TEXT,
        "exception.message": _say(_TEXT, "`<reason>: <sentence>`."),
    }
    return {names.CONNECT + name: schema for name, schema in told.items()}


def _say(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description}
