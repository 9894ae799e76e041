"""What somebody may do in the console; each right must be given by settings, and is off by default."""

from dataclasses import dataclass
from enum import StrEnum


class Right(StrEnum):
    """`ENTER` belongs to whoever reaches the port, `VIEW` to whoever is let in; the others are given by settings."""

    ENTER = "enter"
    VIEW = "view"
    REPLAY = "replay"
    PAYLOAD = "payload"
    ACCEPT_DUPLICATES = "accept_duplicates"
    RESOLVE = "resolve"


@dataclass(frozen=True, slots=True)
class Who:
    """Who asks, as the proxy names them or as the token's holder, and their rights."""

    name: str
    rights: frozenset[Right]

    def may(self, right: Right) -> bool:
        """Whether they have that right."""
        return right in self.rights


STRANGER = Who("nobody", frozenset({Right.ENTER}))
