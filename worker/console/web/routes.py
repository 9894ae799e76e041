"""What a page module declares of each address: its method, the right that it takes, and who answers."""

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
    """One address, such as `/letters/{place}`. Its right has to be named: no page is open because somebody forgot.

    A GET changes nothing. `within` is how many seconds its answer may take.
    """

    method: Method
    path: str
    right: Right
    handler: Handler
    within: float = 30.0
