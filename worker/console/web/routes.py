"""What a page module declares of each address: method, right, and handler."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from worker.console.web.answers import Answer
from worker.console.web.asked import Asked
from worker.console.web.rights import Right

Method = Literal["GET", "POST"]
Handler = Callable[[Asked], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Route:
    """One address, such as `/letters/{place}`. The right is required, so that no page is open by oversight.

    A GET changes nothing. `within` is how many seconds the answer may take.
    """

    method: Method
    path: str
    right: Right
    handler: Handler
    within: float = 30.0
