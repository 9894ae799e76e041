"""Whether the console itself lives, for whoever starts it again when it does not."""

from worker.console.answers import Answer, Raw
from worker.console.asked import Asked
from worker.console.rights import Right
from worker.console.routes import Route


async def livez(_: Asked) -> Answer:
    """It answers."""
    return Raw(b'{"live":true}\n', "application/json")


ROUTES = (Route("GET", "/livez", Right.ENTER, livez),)
