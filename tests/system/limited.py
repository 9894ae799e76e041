"""`run` in a process that may take only so many bytes of memory more than it has when it begins."""

import resource
import sys
from pathlib import Path

from worker import app
from worker.cli import main
from worker.stopping import Stopping

more = int(sys.argv.pop(1))
with_signals = app.with_signals


def limited(stopping: Stopping) -> None:
    """Limit the address space to what is mapped now plus that much."""
    with_signals(stopping)
    mapped = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + more, mapped + more))


if __name__ == "__main__":
    setattr(app, "with_signals", limited)  # noqa: B010  mypy refuses a plain assignment to it
    main()
