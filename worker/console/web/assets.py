"""The page's few files, from a fixed table in memory: no address is looked up on disk."""

import hashlib
from importlib.resources import files
from typing import Final

from worker.console.web.answers import Answer, NotThere, Raw
from worker.console.web.asked import Asked
from worker.console.web.rights import Right
from worker.console.web.routes import Route

TYPES: Final = {
    "/style.css": "text/css; charset=utf-8",
    "/fresh.js": "text/javascript; charset=utf-8",
    "/icon.svg": "image/svg+xml",
}


def _file(path: str, content_type: str) -> Raw:
    body = files(__package__).joinpath(path.lstrip("/")).read_bytes()
    return Raw(body, content_type, hashlib.sha256(body).hexdigest()[:16])


TABLE: Final = {path: _file(path, content_type) for path, content_type in TYPES.items()}
VERSION: Final = hashlib.sha256("".join(str(each.etag) for each in TABLE.values()).encode()).hexdigest()[:8]


async def asset(asked: Asked) -> Answer:
    """Answer with the file. NotThere for any other path."""
    if (found := TABLE.get(asked.path)) is None:
        raise NotThere("no such file")
    return found


ROUTES = tuple(Route("GET", path, Right.ENTER, asset) for path in TABLE)
