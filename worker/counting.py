"""How many of what, as a person says it: the only place that decides between one and many."""

NARROW = "\N{NARROW NO-BREAK SPACE}"


def counted(number: int, one: str, many: str | None = None, *, spaced: bool = False) -> str:
    """`1 record`, `2 records`; `many` where it is more than `one` with an s. `spaced` numbers are easier to compare."""
    return f"{thousands(number) if spaced else number} {which(number, one, many)}"


def which(number: int, one: str, many: str | None = None) -> str:
    """The words alone."""
    if number == 1:
        return one
    return f"{one}s" if many is None else many


def thousands(number: int, gap: str = NARROW) -> str:
    """With a gap between the thousands: 20 000."""
    return f"{number:,}".replace(",", gap)
