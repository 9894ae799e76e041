"""What somebody may do in the console: each right has to be given, and a new one is off."""

from dataclasses import dataclass
from enum import StrEnum


class Right(StrEnum):
    """`ENTER` is had by whoever reaches the port; `VIEW` by whoever is let in; the others are settings."""

    ENTER = "enter"
    VIEW = "view"
    REPLAY = "replay"
    PAYLOAD = "payload"
    ACCEPT_DUPLICATES = "accept_duplicates"
    RESOLVE = "resolve"


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody, as the proxy names them or as the holder of the token, and what they may do."""

    name: str
    rights: frozenset[Right]

    def may(self, right: Right) -> bool:
        """Whether they have it."""
        return right in self.rights


STRANGER = Who("nobody", frozenset({Right.ENTER}))
