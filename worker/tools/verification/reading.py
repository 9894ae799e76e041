"""What the result topics say of a request; whatever is none of our events is foreign, and never guessed at."""

from typing import NamedTuple

import orjson

from worker.events.results import FAILED, SUCCEEDED, terminal_id
from worker.tools.reading.place import MOST_OFFSETS, MOST_PARTITIONS, Place


class Success(NamedTuple):
    """A succeeded event: which request, which event it was, its customer, and whether a person said so."""

    request: Place
    source: str
    id: str
    customer: str
    confirmed: bool = False


class Failure(NamedTuple):
    """A failed event: which request, and where its dead letter is."""

    request: Place
    letter: Place


def success(value: bytes | None, requests: str) -> Success | None:
    """None for anything but a succeeded event of that request topic."""
    try:
        event = orjson.loads(value or b"")
        data = event["data"]
        source, id_, place = _request(event, data["request"], requests, SUCCEEDED)
        return Success(place, source, id_, _text(data["customerId"]), data["resolution"] == "confirmed")
    except (ValueError, KeyError, TypeError):
        return None


def failure(value: bytes | None, requests: str, letters: str) -> Failure | None:
    """None for anything but a failed event of that request topic, with a dead letter in that topic."""
    try:
        event = orjson.loads(value or b"")
        data = event["data"]
        _, _, place = _request(event, data["request"], requests, FAILED)
        letter = data["deadLetter"]
        return Failure(place, _place(letter)) if letter["topic"] == letters else None
    except (ValueError, KeyError, TypeError):
        return None


def _request(event: dict[str, str], request: dict[str, object], topic: str, type_: str) -> tuple[str, str, Place]:
    """The id is what only our own events have right: it is made of what they are about."""
    source, id_, place = _text(request["source"]), _text(request["id"]), _place(request)
    mine = event["type"] == type_ and request["topic"] == topic
    if not mine or event["id"] != terminal_id((source, id_), (topic, *place), type_):
        raise ValueError("none of ours")
    return source, id_, place


def _place(given: dict[str, object]) -> Place:
    partition, offset = given["partition"], given["offset"]
    if type(partition) is not int or type(offset) is not int:
        raise ValueError("no place")
    if not 0 <= partition < MOST_PARTITIONS or not 0 <= offset < MOST_OFFSETS:
        raise ValueError("no place")
    return Place(partition, offset)


def _text(given: object) -> str:
    if isinstance(given, str):
        return given
    raise ValueError("no text")
