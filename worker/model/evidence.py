"""What is known of an event's customer besides the attempts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence of an event's customer. Each journal entry of a doubt holds it: compaction may leave the last one only.

    `exists`: the API said that it made the customer, but not under which id. `found_before`: the ids of the customers
    that a look-up found before the first POST; None where nobody asked or no answer came. `lost`: the answer to a POST
    was lost, and a look-up has found nothing since; a 400 that follows may still be about our own success.
    """

    exists: bool = False
    found_before: tuple[str, ...] | None = None
    lost: bool = False

    def __or__(self, later: "Evidence") -> "Evidence":
        """Both together. Of two look-ups the earlier one counts, since a later one may have found our own customer."""
        found = self.found_before if self.found_before is not None else later.found_before
        return Evidence(self.exists or later.exists, found, self.lost or later.lost)


NO_EVIDENCE = Evidence()
