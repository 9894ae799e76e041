"""Bounds how much JSON a value may become: what its schema adds to its own bytes is counted before it is made."""

from typing import Final

from worker.counting import counted
from worker.customer.documents import Unreadable

NAME: Final = 4
"""What a field's name takes besides its characters: quotes, a colon, and a comma or a bracket."""


class Room:
    """The room that is left. It counts no more than the JSON will have, so that nothing that fits is refused."""

    __slots__ = ("_left", "_most")

    def __init__(self, most: int) -> None:
        self._left = self._most = most

    def take(self, size: int) -> None:
        """Take that many bytes. Raises Unreadable where fewer are left."""
        self._left -= size
        if self._left < 0:
            raise Unreadable(f"the value as JSON has more than the {counted(self._most, 'byte')} allowed")

    def take_text(self, text: str) -> None:
        """Take the room of a text with its quotes. Raises Unreadable where less is left."""
        self.take(len(text) + 2)
