"""What the threads of another process do."""

from contextlib import suppress
from pathlib import Path


def thread_states(pid: int) -> set[str]:
    """The states of all of them, as Linux names them: T is stopped."""
    states = set()
    for each in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            states.add(each.read_text().rpartition(")")[2].split()[0])
    return states
