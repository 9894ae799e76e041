"""What the result topics say of a request; whatever is none of our events is foreign, and never guessed at."""

from typing import NamedTuple

from worker.events.results_read import read_result
from worker.tools.reading.place import Place


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
    told = read_result(value)
    if told is None or told.failed or told.topic != requests:
        return None
    customer, confirmed = told.data["customerId"], told.data["resolution"] == "confirmed"
    return Success(Place(told.partition, told.offset), told.source, told.id, customer, confirmed)


def failure(value: bytes | None, requests: str, letters: str) -> Failure | None:
    """None for anything but a failed event of that request topic, with a dead letter in that topic."""
    told = read_result(value)
    if told is None or told.topic != requests or (letter := told.dead_letter) is None or letter.topic != letters:
        return None
    return Failure(Place(told.partition, told.offset), Place(letter.partition, letter.offset))
