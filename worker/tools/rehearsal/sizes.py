"""How large values are, in bounded room."""

from dataclasses import dataclass, field

from worker.tools.reading.place import Place

DIGITS = 4
"""Binary digits of a size that are kept: it is told as up to an eighth more than it is."""


@dataclass(slots=True)
class Sizes:
    """Counts sizes by their first binary digits; the largest one exactly, with its place."""

    records: int = 0
    total: int = 0
    largest: int = 0
    largest_at: Place | None = None
    _counts: dict[int, int] = field(default_factory=dict)

    def note(self, size: int, place: Place) -> None:
        """One more value."""
        self.records, self.total = self.records + 1, self.total + size
        if size > self.largest or self.largest_at is None:
            self.largest, self.largest_at = size, place
        digits = max(0, size.bit_length() - DIGITS)
        step = -(-size >> digits) << digits
        self._counts[step] = self._counts.get(step, 0) + 1

    def of(self, share: float) -> int:
        """A size that so large a share of the values does not exceed; 0 where there are none."""
        wanted = share * self.records
        seen = 0
        for size, count in sorted(self._counts.items()):
            seen += count
            if seen >= wanted:
                return min(size, self.largest)
        return 0
