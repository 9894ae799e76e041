"""Where in a TOML file something stands, as line and column: its parser tells that of syntax errors alone."""

import re
from collections.abc import Callable


class Places:
    """The places of a file's text, whose line ends are newlines."""

    def __init__(self, text: str) -> None:
        self._text = text

    def within(self, expression: str) -> Callable[[int], str]:
        """From an offset in an expression to its place in the file.

        Where the expression is written with escapes, the place is one of the expression.
        """
        quoted = re.search(rf"('''|\"\"\"|'|\")\n?({re.escape(expression)})\1", self._text)
        begin, text = (quoted.start(2), self._text) if quoted else (0, expression)
        suffix = "" if quoted else " of the expression"
        return lambda offset: _place(text, begin + offset) + suffix

    def of(self, steps: tuple[int | str, ...]) -> str:
        """The place of a key, by its steps from the top; of its table where it is not there."""
        numbers = [step for step in steps if isinstance(step, int)]
        names = [step for step in steps if isinstance(step, str)]
        for name in reversed(names):
            pattern = rf"^[ \t]*(?:\[*[ \t]*)({re.escape(name)})[ \t]*(?:=|\])"
            found = list(re.finditer(pattern, self._text, re.MULTILINE))
            if found:
                return _place(self._text, found[min(numbers[0] if numbers else 0, len(found) - 1)].start(1))
        return _place(self._text, 0)


def _place(text: str, offset: int) -> str:
    before = text[:offset]
    return f"line {before.count(chr(10)) + 1} column {offset - before.rfind(chr(10))}"
