"""How an act is done: it begins what happens; what lasts ends by itself."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from simulation.story import Act, Happening

if TYPE_CHECKING:
    from simulation.play import Stage

Perform = Callable[["Stage", Happening], Awaitable[None]]
Acts = Mapping[Act, Perform]
