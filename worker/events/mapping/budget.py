"""What the expressions of one record may cost: counted in steps, so that no clock or load changes a record's end."""

from typing import Final

from worker.customer.documents import Json

STEPS: Final = 100_000
"""Some 30 ms at worst (measured); an event's mapping takes a hundred."""
MAX_TEXT: Final = 1024 * 1024
"""Characters of a text that an expression makes."""
CHARACTERS_A_STEP: Final = 64


class Failure(ValueError):
    """An expression has no result for this record; the words hold nothing of it. `at` is an offset in the text."""

    def __init__(self, what: str, at: int | None = None) -> None:
        super().__init__(what)
        self.at = at


class Budget:
    """The steps that are left for one record: every element of a list that is gone through is one, or more."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = STEPS

    def renew(self) -> None:
        """The next record begins."""
        self.left = STEPS

    def spend(self, steps: int) -> None:
        """Raises Failure where that is more than is left."""
        self.left -= steps
        if self.left < 0:
            raise Failure(f"takes more than {STEPS} steps")

    def read(self, value: Json) -> None:
        """Spend what it takes to go through all of a value, in which the same part may stand many times."""
        rest = [value]
        while rest:
            each = rest.pop()
            self.spend(1)
            if isinstance(each, dict):
                rest.extend(each.values())
            elif isinstance(each, list):
                rest.extend(each)
            elif isinstance(each, str):
                self.spend(len(each) // CHARACTERS_A_STEP)

    def skim(self, value: Json) -> None:
        """Spend what it takes to go through its uppermost level, texts included."""
        if isinstance(value, dict):
            self.spend(len(value))
        elif isinstance(value, list):
            self.spend(len(value) + sum(len(each) // CHARACTERS_A_STEP for each in value if isinstance(each, str)))
        elif isinstance(value, str):
            self.spend(len(value) // CHARACTERS_A_STEP)


def require_room(length: int) -> None:
    """Failure where a text of that length is too long to be made."""
    if length > MAX_TEXT:
        raise Failure(f"makes a text of more than {MAX_TEXT} characters")
