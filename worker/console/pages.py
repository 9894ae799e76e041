"""All pages of the console."""

from typing import Final

from worker.console import assets, doubt, doubts, front, letter, letters, plans, probing, runs
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
    *probing.ROUTES,
)
