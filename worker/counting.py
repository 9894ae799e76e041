"""Writes a number with its noun for a person; singular and plural are chosen only here."""

NARROW = "\N{NARROW NO-BREAK SPACE}"


def counted(number: float, one: str, many: str | None = None, *, gap: str = "") -> str:
    """The number with its noun: `1 record`, `2 records`, `0.5 days`.

    `many` is the plural where it is not `one` with an s. `gap` is put between the thousands of a whole number.
    """
    told = thousands(number, gap) if isinstance(number, int) else f"{number:g}"
    return f"{told} {which(number, one, many)}"


def which(number: float, one: str, many: str | None = None) -> str:
    """The noun without the number: `one` for exactly 1, else the plural."""
    if number == 1:
        return one
    return f"{one}s" if many is None else many


def thousands(number: int, gap: str = NARROW) -> str:
    """The number with a gap between the thousands: 20 000."""
    return f"{number:,}".replace(",", gap)
