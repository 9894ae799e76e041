"""All pages of the console."""

from typing import Final

from worker.console import assets, front, probing
from worker.console.routes import Route

ROUTES: Final[tuple[Route, ...]] = (*assets.ROUTES, *front.ROUTES, *probing.ROUTES)
