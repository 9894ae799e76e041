"""Asks whether the worker beside this process is alive; imports little, as a container's health check runs it often."""

import http.client
import os
import sys
from contextlib import closing

HOST, PORT = "127.0.0.1", 8080
"""Where the worker is asked unless the environment says otherwise: the defaults of the settings."""
WITHIN = 3.0
LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  nothing listens here


def problem(host: str, port: int) -> str | None:
    """Why the worker does not count as alive, for a person; None where /livez answered 200."""
    if port == 0:
        return "WORKER_OPS__PORT: is 0, so that nobody can know where to ask"
    host = LOOPBACK.get(host, host)
    try:
        with closing(http.client.HTTPConnection(host, port, timeout=WITHIN)) as connection:
            connection.request("GET", "/livez")
            status = connection.getresponse().status
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        return f"no answer from {host}:{port}: {type(error).__name__}"
    return None if status == 200 else f"/livez answered {status}"


def main() -> None:
    """The image's health check.

    It reads two variables only, as to read all settings takes a second of CPU each time. An empty one is as good as
    none, as it is for the worker.
    """
    port = os.environ.get("WORKER_OPS__PORT", "").strip() or str(PORT)
    if not port.isdecimal():
        sys.exit("WORKER_OPS__PORT: is no number")
    sys.exit(problem(os.environ.get("WORKER_OPS__HOST") or HOST, int(port)))


if __name__ == "__main__":
    main()
