"""What the audit reports: kinds of findings with their places, and nothing of a customer."""

from collections.abc import Callable
from typing import Final, NamedTuple

UNENDED: Final = "no_terminal_event"
TWO_ENDS: Final = "two_terminal_events"
EVENT_MISSING: Final = "dead_letter_without_failed_event"
LETTER_MISSING: Final = "failed_event_without_dead_letter"
UNREAD: Final = "deleted_unread"
TWO_CUSTOMERS: Final = "two_customers_for_one_event"
MISTAKEN: Final = "confirmed_another_customer"

CONTRADICTIONS: Final = (TWO_ENDS, EVENT_MISSING, LETTER_MISSING, UNREAD, MISTAKEN)
DUPLICATES: Final = (TWO_CUSTOMERS,)

OLD_END: Final = "terminal_event_may_be_deleted"
OLD_LETTER: Final = "dead_letter_deleted"
DELETED: Final = "request_deleted"
BEYOND_ROOM: Final = "beyond_room"
UNBEGUN: Final = "before_the_start"
NOT_JUDGED: Final = (OLD_END, OLD_LETTER, DELETED, BEYOND_ROOM, UNBEGUN)


class Found(NamedTuple):
    """A finding: requests of a partition from `first` up to, without, `end`; `other` is a second place involved."""

    kind: str
    partition: int
    first: int
    end: int
    other: str | None = None

    @property
    def place(self) -> str:
        """The place as `verify` names it: partition@offset, or partition@first-last with the last one included."""
        last = f"-{self.end - 1}" if self.end > self.first + 1 else ""
        return f"{self.partition}@{self.first}{last}"


Tell = Callable[[Found], None]
"""Called once for each finding."""
