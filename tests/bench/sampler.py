"""Runs the worker as its command does, and looks at where its CPU time goes: `python -m bench.sampler run`.

SIGUSR1 begins, SIGUSR2 ends and writes what was found to the file that BENCH_PROFILE names. C code counts for the line
of Python that called it.
"""

import os
import signal
import sys
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType

import orjson

EVERY = 0.002
"""Seconds of CPU time; the kernel's own tick may be longer."""
INVISIBLE_BELOW = 200
"""No stack is deeper."""
PROFILE = "BENCH_PROFILE"

Place = tuple[CodeType, int]


class Sampler:
    """Counts where the process was, each time that it had used some CPU time."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lines: Counter[Place] = Counter()
        self._under: Counter[CodeType] = Counter()

    def install(self) -> None:
        """Nothing is counted before SIGUSR1."""
        signal.signal(signal.SIGPROF, self._look)
        signal.signal(signal.SIGUSR1, lambda *_: signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY))
        signal.signal(signal.SIGUSR2, self._end)
        for number in (signal.SIGPROF, signal.SIGUSR1, signal.SIGUSR2):
            signal.siginterrupt(number, False)  # noqa: FBT003  the standard library's own form

    def _look(self, _: int, frame: FrameType | None) -> None:
        if frame is None:
            return
        self._lines[frame.f_code, frame.f_lineno or 0] += 1
        stack: set[CodeType] = set()
        while frame is not None and len(stack) < INVISIBLE_BELOW:
            stack.add(frame.f_code)
            frame = frame.f_back
        self._under.update(stack)

    def _end(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        found = {
            "lines": [[*_name(code), line, count] for (code, line), count in self._lines.items()],
            "under": [[*_name(code), count] for code, count in self._under.items()],
        }
        unfinished = self._file.with_suffix(".part")
        unfinished.write_bytes(orjson.dumps(found))
        unfinished.rename(self._file)


def _name(code: CodeType) -> tuple[str, str]:
    return code.co_filename, code.co_qualname


if __name__ == "__main__":
    Sampler(Path(os.environ.pop(PROFILE))).install()
    sys.argv[0] = "customer-worker"
    from worker.cli import main

    main()
