"""Whether the worker beside us is alive, as a container's health check asks it."""

import http.client
from contextlib import closing

from worker.settings.settings import Ops

WITHIN = 3.0
LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  nothing listens here


def problem(ops: Ops) -> str | None:
    """What /livez answered, if it was not 200; None is alive."""
    if ops.port == 0:
        return "WORKER_OPS__PORT: is 0, so that nobody can know where to ask"
    host = LOOPBACK.get(ops.host, ops.host)
    with closing(http.client.HTTPConnection(host, ops.port, timeout=WITHIN)) as connection:
        try:
            connection.request("GET", "/livez")
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            return f"no answer from {host}:{ops.port}: {type(error).__name__}"
    return None if status == 200 else f"/livez answered {status}"
