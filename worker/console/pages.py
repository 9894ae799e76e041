"""All pages of the console."""

from typing import Final

from worker.console import doubt, doubts, events, letter, letters, plans, runs, verify
from worker.console.now import front
from worker.console.web import assets, probing
from worker.console.web.routes import Route

ROUTES: Final[tuple[Route, ...]] = (
    *assets.ROUTES,
    *front.ROUTES,
    *letters.ROUTES,
    *letter.ROUTES,
    *doubts.ROUTES,
    *doubt.ROUTES,
    *plans.ROUTES,
    *runs.ROUTES,
    *events.ROUTES,
    *verify.ROUTES,
    *probing.ROUTES,
)
