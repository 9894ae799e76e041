"""How much JSON a value may become: what its schema adds to its own bytes is counted before it is made."""

from typing import Final

from worker.counting import counted
from worker.customer.documents import Unreadable

NAME: Final = 4
"""What the name of a field has beside its characters: quotes, a colon, and a comma or a bracket."""


class Room:
    """Counts no more than the JSON will have, so that nothing is refused that fits."""

    __slots__ = ("_left", "_most")

    def __init__(self, most: int) -> None:
        self._left = self._most = most

    def take(self, size: int) -> None:
        """Raises Unreadable where that is more than is left."""
        self._left -= size
        if self._left < 0:
            raise Unreadable(f"the value as JSON has more than the {counted(self._most, 'byte')} allowed")

    def take_text(self, text: str) -> None:
        """The same for a text in its quotes."""
        self.take(len(text) + 2)
