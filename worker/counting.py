"""How many of what, as a person says it: the only place that decides between one and many."""

NARROW = "\N{NARROW NO-BREAK SPACE}"


def counted(number: float, one: str, many: str | None = None, *, gap: str = "") -> str:
    """`1 record`, `2 records`, `0.5 days`; `many` where it is more than `one` with an s.

    With a `gap` between the thousands whole numbers are easier to compare.
    """
    told = thousands(number, gap) if isinstance(number, int) else f"{number:g}"
    return f"{told} {which(number, one, many)}"


def which(number: float, one: str, many: str | None = None) -> str:
    """The words alone."""
    if number == 1:
        return one
    return f"{one}s" if many is None else many


def thousands(number: int, gap: str = NARROW) -> str:
    """With a gap between the thousands: 20 000."""
    return f"{number:,}".replace(",", gap)
