"""Where the key stands in an event, written as the paths of broken rules are: names, and places in lists."""

import re
from dataclasses import dataclass
from typing import Final

from worker.customer.documents import Json

_STEP: Final = re.compile(r"\[(-?\d+)\]|([^.\[\]]+)")
_WHOLE: Final = re.compile(r"[^.\[\]]+(\[-?\d+\])*(\.[^.\[\]]+(\[-?\d+\])*)*")


@dataclass(frozen=True, slots=True)
class KeyPath:
    """A path such as `data.emails[0].address`; `[-1]` is the last item of a list."""

    text: str
    steps: tuple[str | int, ...]

    def key(self, document: Json) -> bytes | None:
        """The text or number at that path, as a key; None where there is none."""
        for step in self.steps:
            document = _below(document, step)
        return key_of(document)


def key_path(text: str) -> KeyPath:
    """Read a path. ValueError says how one is written."""
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{text!r} is no path such as data.pin or data.emails[0].address")
    return KeyPath(text, tuple(int(place) if place else name for place, name in _STEP.findall(text)))


def key_of(found: Json) -> bytes | None:
    """The value as a key; None where it cannot be one."""
    if isinstance(found, bool) or not isinstance(found, str | int):
        return None
    return str(found).encode() or None


def _below(document: Json, step: str | int) -> Json:
    match document, step:
        case dict(), str(name):
            return document.get(name)
        case list(), int(place) if -len(document) <= place < len(document):
            return document[place]
        case _:
            return None
