"""What is known of an event's customer beside its attempts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Evidence:
    """Every journal entry of a doubt carries it, since compaction keeps the last entry of a writer alone.

    `exists`: the API said that it made the customer, and not under which id. `found_before`: the ids of the customers
    that a look-up found before the first POST; None where nobody asked or no answer came.
    """

    exists: bool = False
    found_before: tuple[str, ...] | None = None

    def __or__(self, later: "Evidence") -> "Evidence":
        """What is known from both; the earlier look-up counts, since a later one may have found our own customer."""
        found = self.found_before if self.found_before is not None else later.found_before
        return Evidence(self.exists or later.exists, found)


NO_EVIDENCE = Evidence()
