"""All pages of the console."""

from typing import Final

from worker.console import events, verify
from worker.console.doubts import listing as doubts
from worker.console.doubts import settling
from worker.console.letters import letter, payload
from worker.console.letters import listing as letters
from worker.console.now import front
from worker.console.runs import plan, run
from worker.console.web import assets, probing
from worker.console.web.routes import Route

ROUTES: Final[tuple[Route, ...]] = (
    *assets.ROUTES,
    *front.ROUTES,
    *letters.ROUTES,
    *letter.ROUTES,
    *payload.ROUTES,
    *doubts.ROUTES,
    *settling.ROUTES,
    *plan.ROUTES,
    *run.ROUTES,
    *events.ROUTES,
    *verify.ROUTES,
    *probing.ROUTES,
)
