"""Begins to listen where the settings say; where that fails, the error names the setting."""

import errno
import socket

from aiohttp import web

from worker.model.errors import StartupError


async def listen(runner: web.AppRunner, host: str, port: int, group: str = "WORKER_OPS") -> None:
    """Listen on `host` and `port`, which come from that `group` of settings. Raises StartupError."""
    try:
        await web.TCPSite(runner, host, port).start()
    except (OSError, UnicodeError) as error:
        at_fault, why = _meaning(error, f"{group}__HOST", f"{group}__PORT")
        raise StartupError(f"{at_fault}: cannot listen on {host}:{port}: {why}") from error


def _meaning(error: OSError | UnicodeError, host: str, port: str) -> tuple[str, str]:
    """The setting that is at fault, and why, for a person."""
    if isinstance(error, socket.gaierror | UnicodeError):
        return host, "no such address"
    match error.errno:
        case errno.EADDRINUSE:
            return port, "the port is in use (0 takes a free one)"
        case errno.EACCES:
            return port, "a port below 1024 needs a privilege"
        case errno.EADDRNOTAVAIL | None:  # asyncio of Python 3.13 and later tells no number of it
            return host, "it is no address of this machine"
        case _:
            return f"{host} and {port}", error.strerror or type(error).__name__
