"""Statistics of values' sizes in bounded memory."""

from dataclasses import dataclass, field

from worker.tools.reading.place import Place

DIGITS = 4
"""So many leading binary digits of a size are kept: it may be told as up to an eighth larger."""


@dataclass(slots=True)
class Sizes:
    """Counts sizes by their leading binary digits; the largest is exact, with its place."""

    records: int = 0
    total: int = 0
    largest: int = 0
    largest_at: Place | None = None
    _counts: dict[int, int] = field(default_factory=dict)

    def note(self, size: int, place: Place) -> None:
        """Count one value."""
        self.records, self.total = self.records + 1, self.total + size
        if size > self.largest or self.largest_at is None:
            self.largest, self.largest_at = size, place
        digits = max(0, size.bit_length() - DIGITS)
        step = -(-size >> digits) << digits
        self._counts[step] = self._counts.get(step, 0) + 1

    def of(self, share: float) -> int:
        """A size that at least that share of the values does not exceed; 0 without values."""
        wanted = share * self.records
        seen = 0
        for size, count in sorted(self._counts.items()):
            seen += count
            if seen >= wanted:
                return min(size, self.largest)
        return 0
