"""`run` on an event loop that waits for ever for a server to end TLS: `polite.py` instead of `-m worker run`.

uvloop waits half a minute, which a test could notice only by measuring time.
"""

import sys
from collections.abc import Callable
from typing import Any

import uvloop

from worker.cli import ending, main

FOR_EVER = 86_400.0


class PoliteLoop(uvloop.Loop):
    """Closing a TLS connection, unless it is aborted, waits for the server without a limit."""

    async def create_connection(self, protocol_factory: Callable[[], Any], *args: Any, **more: Any) -> Any:
        """uvloop's own, with that wait for TLS connections."""
        if more.get("ssl"):
            more["ssl_shutdown_timeout"] = FOR_EVER
        return await super().create_connection(protocol_factory, *args, **more)


if __name__ == "__main__":
    ending._fast_loop = lambda: PoliteLoop
    sys.argv[1:] = ["run"]
    main()
