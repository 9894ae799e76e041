"""All pages of the console."""

from typing import Final

from worker.console import assets, probing
from worker.console.routes import Route

ROUTES: Final[tuple[Route, ...]] = (*assets.ROUTES, *probing.ROUTES)
