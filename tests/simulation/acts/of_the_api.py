"""How the API behaves for a while in a story."""

from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

from simulation.story import Act, Happening

from .perform import Acts, Perform

if TYPE_CHECKING:
    from simulation.play import Stage

SEARCHED_AFTER = 60.0
STRANGERS = 60
"""So many refusals are no flood, which only a person ends where all events that follow are refused, too."""


def _manner(name: str, value: Callable[[Happening], Any], normal: Any) -> Perform:
    async def change(stage: "Stage", what: Happening) -> None:
        manners = stage.world.api.manners
        setattr(manners, name, value(what))
        stage.later(what.lasts, lambda: setattr(manners, name, normal))

    return change


async def _strangers(stage: "Stage", what: Happening) -> None:
    """Every other event from here on, or every event, up to that many; a search finds them at once."""
    api, step = stage.world.api, 1 + what.who % 2
    for number in range(stage.published, stage.story.events, step)[:STRANGERS]:
        address = {"emailAddress": f"{number}@example.com"}
        api.execute({"pin": f"stranger-{what.at}-{number}", "contactPoints": address}, since=-SEARCHED_AFTER)


@dataclass(frozen=True, slots=True)
class _EveryThird(Container[str]):
    """A third of all values that may be searched for."""

    which: int

    def __contains__(self, value: object) -> bool:
        return crc32(str(value).encode()) % 3 == self.which % 3


async def _paced(stage: "Stage", what: Happening) -> None:
    """The API says when to come again: 429, or 503 as a proxy before it does."""
    manners = stage.world.api.manners
    manners.statuses, manners.retry_after = {503 if what.who % 2 else 429: 0.7}, what.size

    def over() -> None:
        manners.statuses, manners.retry_after = {}, None

    stage.later(what.lasts, over)


ACTS: Acts = {
    Act.API_PACED: _paced,
    Act.SEARCH_BROKEN: _manner("search_broken_for", lambda what: _EveryThird(what.who), ()),
    Act.API_LOST: _manner("lost_after", lambda _: 0.4, 0.0),
    Act.API_BEFORE: _manner("lost_before", lambda _: 0.4, 0.0),
    Act.API_LATE: _manner("late", lambda _: 0.4, 0.0),
    Act.API_AWAY: _manner("unreachable", lambda _: 1.0, 0.0),
    Act.API_STATUS: _manner("statuses", lambda what: {int(what.size): 0.7}, {}),
    Act.API_NO_ID: _manner("no_location", lambda _: 0.6, 0.0),
    Act.API_HIDDEN: _manner("hidden", lambda _: 0.6, 0.0),
    Act.API_EXPIRES: _manner("expire", lambda _: 0.2, 0.0),
    Act.API_LOGIN: _manner("to_login", lambda _: True, normal=False),
    Act.API_LOCKED: _manner("refuse_logins", lambda _: True, normal=False),
    Act.SEARCH_REFUSED: _manner("search_refused", lambda _: True, normal=False),
    Act.SEARCH_LAG: _manner("search_lag", lambda what: what.size, 1.0),
    Act.STRANGERS: _strangers,
}
