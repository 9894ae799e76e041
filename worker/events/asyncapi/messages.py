"""The messages of each topic: headers, payload and key."""

from typing import Any

from worker.events.cloud_events import CONFIRMED, REQUESTED
from worker.events.results import CONTENT_TYPE, FAILED, SUCCEEDED
from worker.journal.entries import CLAIM
from worker.model.commands import MAX_NAME

Node = dict[str, Any]

KAFKA = "0.5.0"
"""The version of the Kafka bindings."""

_STRUCTURED = CONTENT_TYPE.decode()
_TEXT: Node = {"type": "string"}
_NAME: Node = {**_TEXT, "minLength": 1, "maxLength": MAX_NAME}
_TRACE: Node = {"traceparent": _TEXT, "tracestate": _TEXT}
_REQUEST_KEY = "The customer's key upstream: records with one key are handled one after another. May be null."
_SAME_KEY = "That of the request, byte for byte."
_KEY_OR_SUM = "That of the request, or its SHA-256 in hexadecimal digits where the topic does not take the whole."

# By channel, the names of its messages.
OF: dict[str, tuple[str, ...]] = {
    "requests": ("requestedStructured", "requestedBinary", "bareCustomer", "confirmed"),
    "succeeded": ("succeeded",),
    "failed": ("failed",),
    "deadLetters": ("deadLetter",),
    "journal": ("claim", "entry"),
}


def messages() -> Node:
    """All messages by name; their schemas are among the document's components."""
    return {
        "requestedStructured": _message(
            REQUESTED, "A customer to be created, as a structured CloudEvent.", "requested", _structured(), _REQUEST_KEY
        ),
        "requestedBinary": _message(
            REQUESTED,
            "The same as a binary CloudEvent; the value may be XML, with a content-type that says so.",
            "customer",
            _binary(),
            _REQUEST_KEY,
            media="application/json",
        ),
        "bareCustomer": _message(
            "customer",
            "No CloudEvent: the customer itself, JSON or XML. Its identity is its topic, partition and offset.",
            "customer",
            {"type": "object", "properties": {"content-type": _TEXT, **_TRACE}},
            _REQUEST_KEY,
            media="application/json",
        ),
        "confirmed": _message(
            CONFIRMED,
            "A person found out which customer an event in doubt has: its source and id, and nothing to be created.",
            "confirmed",
            _structured(),
            "That of the event in doubt.",
        ),
        "succeeded": _message(
            SUCCEEDED, "The customer exists. A repeat has the same id.", "succeeded", _structured(), _KEY_OR_SUM
        ),
        "failed": _message(
            FAILED,
            "No customer came of it, and why. A repeat has the same id.",
            "failed",
            _structured(),
            _KEY_OR_SUM,
        ),
        "deadLetter": _message(
            "dead letter",
            "The original value and headers, byte for byte; why it failed stands in the headers behind them.",
            "anything",
            _component("deadLetterHeaders"),
            _SAME_KEY,
            media="application/octet-stream",
        ),
        "claim": _message(
            "claim",
            "From here on the partition is that writer's.",
            "journalClaim",
            None,
            f"`{CLAIM.decode()}<writer>`",
            media="application/json",
        ),
        "entry": _message(
            "entry",
            "What one writer knows of one record. For the worker alone.",
            "journalEntry",
            None,
            "`<event>/<record offset>/<writer>`; event: UUIDv5 of the request's source and id.",
            media="application/json",
        ),
    }


def _message(  # noqa: PLR0913  each is a fact of one message
    name: str, summary: str, payload: str, headers: Node | None, key: str, *, media: str = _STRUCTURED
) -> Node:
    return {
        "name": name,
        "summary": summary,
        "contentType": media,
        **({"headers": headers} if headers else {}),
        "payload": _component(payload),
        "bindings": {"kafka": {"key": {"type": "string", "description": key}, "bindingVersion": KAFKA}},
    }


def _structured() -> Node:
    own = {"content-type": {"type": "string", "pattern": f"^{_STRUCTURED.replace('+', '[+]')}"}}
    return {"type": "object", "properties": {**own, **_TRACE}, "required": ["content-type"]}


def _binary() -> Node:
    own = {
        "ce_specversion": {"const": "1.0"},
        "ce_type": {"const": REQUESTED},
        "ce_source": _NAME,
        "ce_id": _NAME,
    }
    more = {"ce_subject": _NAME, "ce_time": {**_TEXT, "format": "date-time"}, "content-type": _TEXT}
    return {"type": "object", "properties": {**own, **more, **_TRACE}, "required": list(own)}


def _component(name: str) -> Node:
    return {"$ref": f"#/components/schemas/{name}"}
