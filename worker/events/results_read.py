"""Reads result events back; what is not certainly one of ours is left out."""

from typing import Any, Final, NamedTuple

import orjson

from worker.customer.documents import require_depth
from worker.events.results import FAILED, SUCCEEDED, terminal_id
from worker.model.records import Position

MOST_PARTITIONS, MOST_OFFSETS = 1 << 20, 1 << 44
DEEPEST: Final = 50
"""Our result events nest less deep. The library that writes an event again takes at most 254 levels."""


class Result(NamedTuple):
    """What a result event of that `type` says (`data`) about an event (`source`, `id`), and the place of its request.

    `data` has everything that each result of its type has, in its form: `customerId`, `resolution`, `attempts`; or
    `reason` with `code`, `message` and perhaps `violations`, `deadLetter` with its place, `attempts`.
    """

    type: str
    source: str
    id: str
    topic: str
    partition: int
    offset: int
    data: dict[str, Any]

    @property
    def failed(self) -> bool:
        """Whether it is a failed event; else it is a succeeded one."""
        return self.type == FAILED

    @property
    def dead_letter(self) -> Position | None:
        """The place of a failed event's dead letter; None for a succeeded event."""
        if not self.failed:
            return None
        letter = self.data["deadLetter"]
        return Position(letter["topic"], letter["partition"], letter["offset"])


def read_result(value: bytes | None) -> Result | None:
    """The result event; None for anything but one of ours.

    An event is ours if its id follows from what it is about, by our rule, and it says all that ours say.
    """
    try:
        event = _loaded(value or b"")
        type_, data = event["type"], event["data"]
        request = data["request"]
        topic, partition, offset = text_of(request, "topic"), *numbers_of(request)
        source, id_ = text_of(request, "source"), text_of(request, "id")
        ours = _is_success(data) if type_ == SUCCEEDED else type_ == FAILED and _is_failure(data)
        if not ours or event["id"] != terminal_id((source, id_), (topic, partition, offset), type_):
            return None
        return Result(type_, source, id_, topic, partition, offset, data)
    except (ValueError, KeyError, TypeError):
        return None


def _loaded(value: bytes) -> Any:  # noqa: ANN401  any JSON
    event = orjson.loads(value)
    if value.count(b"{") + value.count(b"[") > DEEPEST:
        require_depth(event, DEEPEST)
    return event


def _is_success(data: dict[str, Any]) -> bool:
    """Whether it is the data of a succeeded event; may also raise ValueError, KeyError or TypeError where it is not."""
    text_of(data, "customerId"), text_of(data, "resolution")
    return type(data["attempts"]) is int


def _is_failure(data: dict[str, Any]) -> bool:
    """Whether it is the data of a failed event; may also raise as `_is_success`."""
    reason, letter = data["reason"], data["deadLetter"]
    text_of(reason, "code"), text_of(reason, "message")
    text_of(letter, "topic"), numbers_of(letter)
    for violation in reason.get("violations", ()):
        text_of(violation, "path"), text_of(violation, "rule")
    return type(data["attempts"]) is int


def numbers_of(place: dict[str, Any]) -> tuple[int, int]:
    """(partition, offset) of a request or a dead letter. Raises ValueError, KeyError and TypeError."""
    partition, offset = place["partition"], place["offset"]
    if type(partition) is not int or type(offset) is not int:
        raise ValueError("no place")
    if not 0 <= partition < MOST_PARTITIONS or not 0 <= offset < MOST_OFFSETS:
        raise ValueError("no place")
    return partition, offset


def text_of(told: dict[str, Any], name: str) -> str:
    """The text of that name. Raises ValueError, KeyError and TypeError where there is none."""
    given = told[name]
    if isinstance(given, str):
        return given
    raise ValueError("no text")
