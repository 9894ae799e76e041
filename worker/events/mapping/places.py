"""Line and column of a value in a TOML file; the TOML parser tells them only for syntax errors."""

import re
from collections.abc import Callable
from typing import NamedTuple

Steps = tuple[int | str, ...]
"""The keys and indexes that lead to a value from the top of the file."""


class Place(NamedTuple):
    """A line and a column, both from 1; places compare in the order of the file."""

    line: int
    column: int
    of: str = ""

    def __str__(self) -> str:
        return f"line {self.line} column {self.column}{self.of}"


class Places:
    """Finds places in the text of a file, whose line ends are newlines."""

    def __init__(self, text: str) -> None:
        self._text = text

    def within(self, steps: Steps, expression: str) -> Callable[[int], Place]:
        """A function from an offset in the expression that stands there to its place in the file.

        Where the expression is written with escapes, the place is one within the expression.
        """
        quoted = re.compile(rf"('''|\"\"\"|'|\")\n?({re.escape(expression)})\1")
        if found := quoted.search(self._text, self._at(steps)) or quoted.search(self._text):
            begin = found.start(2)
            return lambda offset: _place(self._text, begin + offset)
        return lambda offset: _place(expression, offset)._replace(of=" of the expression")

    def of(self, steps: Steps) -> Place:
        """The place of a key; that of its table where the key is missing."""
        return _place(self._text, self._at(steps))

    def _at(self, steps: Steps) -> int:
        numbers = [step for step in steps if isinstance(step, int)]
        names = [step for step in steps if isinstance(step, str)]
        for name in reversed(names):
            pattern = rf"^[ \t]*(?:\[*[ \t]*)({re.escape(name)})[ \t]*(?:=|\])"
            found = list(re.finditer(pattern, self._text, re.MULTILINE))
            if found:
                return found[min(numbers[0] if numbers else 0, len(found) - 1)].start(1)
        return 0


def _place(text: str, offset: int) -> Place:
    before = text[:offset]
    return Place(before.count(chr(10)) + 1, offset - before.rfind(chr(10)))
