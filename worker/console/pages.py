"""All pages of the console."""

from typing import Final

from worker.console import assets, doubt, doubts, events, front, letter, letters, plans, probing, runs, verify
from worker.console.routes import Route

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
