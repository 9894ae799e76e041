"""`/livez`: whether the console itself is alive."""

from worker.console.web.answers import Answer, Raw
from worker.console.web.asked import Asked
from worker.console.web.rights import Right
from worker.console.web.routes import Route


async def livez(_: Asked) -> Answer:
    """Answer that it is alive."""
    return Raw(b'{"live":true}\n', "application/json")


ROUTES = (Route("GET", "/livez", Right.ENTER, livez),)
