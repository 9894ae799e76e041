"""Bounds what the expressions of one record may cost, in steps: no clock or load changes how a record ends."""

from typing import Final

from worker.customer.documents import Json

STEPS: Final = 100_000
"""Steps that one record may take: some 30 ms at worst (measured), while an event's mapping takes a hundred."""
MAX_TEXT: Final = 1024 * 1024
"""Characters of a text that an expression may make."""
CHARACTERS_A_STEP: Final = 64


class Failure(ValueError):
    """An expression has no result for this record; the text quotes nothing of it.

    `at` is an offset in the expression.
    """

    def __init__(self, what: str, at: int | None = None) -> None:
        super().__init__(what)
        self.at = at


class Budget:
    """The steps that are left for one record: each element of a list that is gone through takes one, or more."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = STEPS

    def renew(self) -> None:
        """Begin the next record, with all steps."""
        self.left = STEPS

    def spend(self, steps: int) -> None:
        """Take that many steps. Raises Failure where fewer are left."""
        self.left -= steps
        if self.left < 0:
            raise Failure(f"takes more than {STEPS} steps")

    def read(self, value: Json) -> None:
        """Take the steps for going through a whole value, in which the same part may occur many times."""
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
        """Take the steps for going through the uppermost level of a value, its texts included."""
        if isinstance(value, dict):
            self.spend(len(value))
        elif isinstance(value, list):
            self.spend(len(value) + sum(len(each) // CHARACTERS_A_STEP for each in value if isinstance(each, str)))
        elif isinstance(value, str):
            self.spend(len(value) // CHARACTERS_A_STEP)


def require_room(length: int) -> None:
    """Raise Failure where a text of that length would be too long to be made."""
    if length > MAX_TEXT:
        raise Failure(f"makes a text of more than {MAX_TEXT} characters")
