"""Reads result events back; whatever is none of ours is foreign, and never guessed at."""

from typing import Any, Final, NamedTuple

import orjson

from worker.customer.documents import require_depth
from worker.events.results import FAILED, SUCCEEDED, terminal_id
from worker.model.records import Position

MOST_PARTITIONS, MOST_OFFSETS = 1 << 20, 1 << 44
DEEPEST: Final = 50
"""Ours nest in less; the library that writes it again, for whoever follows, takes no more than 254."""


class Result(NamedTuple):
    """What a result event of that `type` says (`data`) of the event (`source`, `id`), and where its request stands.

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
        """Whether it is a failed event; a succeeded one otherwise."""
        return self.type == FAILED

    @property
    def dead_letter(self) -> Position | None:
        """Where the dead letter of a failed event stands."""
        if not self.failed:
            return None
        letter = self.data["deadLetter"]
        return Position(letter["topic"], letter["partition"], letter["offset"])


def read_result(value: bytes | None) -> Result | None:
    """None for anything but a result event of ours: its id is made of what it is about, which nobody else's is, and it
    says all that ours say.
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
    """Raises ValueError, KeyError and TypeError, too, where it is none."""
    text_of(data, "customerId"), text_of(data, "resolution")
    return type(data["attempts"]) is int


def _is_failure(data: dict[str, Any]) -> bool:
    """As above."""
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
    """Raises ValueError, KeyError and TypeError."""
    given = told[name]
    if isinstance(given, str):
        return given
    raise ValueError("no text")
