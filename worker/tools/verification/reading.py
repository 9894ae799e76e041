"""What the result topics say of a request; what is not certainly one of our events is left out."""

from typing import NamedTuple

from worker.events.results_read import read_result
from worker.tools.reading.place import Place


class Success(NamedTuple):
    """A succeeded event: its request, source, id and customer, and whether a person confirmed it."""

    request: Place
    source: str
    id: str
    customer: str
    confirmed: bool = False


class Failure(NamedTuple):
    """A failed event: its request, and the place of its dead letter."""

    request: Place
    letter: Place


def success(value: bytes | None, requests: str) -> Success | None:
    """The succeeded event about that request topic; None for anything else."""
    told = read_result(value)
    if told is None or told.failed or told.topic != requests:
        return None
    customer, confirmed = told.data["customerId"], told.data["resolution"] == "confirmed"
    return Success(Place(told.partition, told.offset), told.source, told.id, customer, confirmed)


def failure(value: bytes | None, requests: str, letters: str) -> Failure | None:
    """The failed event about that request topic, with a dead letter in that topic; None for anything else."""
    told = read_result(value)
    if told is None or told.topic != requests or (letter := told.dead_letter) is None or letter.topic != letters:
        return None
    return Failure(Place(told.partition, told.offset), Place(letter.partition, letter.offset))
