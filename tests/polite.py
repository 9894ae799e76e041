"""`run` on a loop that waits for ever for the goodbye of a TLS connection: `polite.py` instead of `-m worker run`.

uvloop itself waits half a minute, which a test could only tell by the clock.
"""

import sys
from collections.abc import Callable
from typing import Any

import uvloop

from worker.cli import ending, main

FOR_EVER = 86_400.0


class PoliteLoop(uvloop.Loop):
    """Each connection that is closed, and not hung up, has all the time that it wants."""

    async def create_connection(self, protocol_factory: Callable[[], Any], *args: Any, **more: Any) -> Any:
        """As uvloop's."""
        if more.get("ssl"):
            more["ssl_shutdown_timeout"] = FOR_EVER
        return await super().create_connection(protocol_factory, *args, **more)


if __name__ == "__main__":
    ending._fast_loop = lambda: PoliteLoop
    sys.argv[1:] = ["run"]
    main()
