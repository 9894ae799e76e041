"""Runs the worker as its command does, and looks at where its CPU time goes: `python -m bench.sampler run`.

For machines without py-spy: SIGUSR1 begins, SIGUSR2 ends and writes collapsed stacks to the file that BENCH_PROFILE
names. CPython runs a signal's handler at the next beginning of a function or turn of a loop, so that C code counts
there.
"""

import os
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

EVERY = 0.002
"""Seconds of CPU time; the kernel's own tick may be longer."""
DEEPEST = 200
PROFILE = "BENCH_PROFILE"


class Sampler:
    """Notes the stack each time that the process has used some CPU time."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stacks: Counter[str] = Counter()

    def install(self) -> None:
        """Nothing is noted before SIGUSR1."""
        signal.signal(signal.SIGPROF, self._look)
        signal.signal(signal.SIGUSR1, lambda *_: signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY))
        signal.signal(signal.SIGUSR2, self._end)
        for number in (signal.SIGPROF, signal.SIGUSR1, signal.SIGUSR2):
            signal.siginterrupt(number, False)  # noqa: FBT003  the standard library's own form

    def _look(self, _: int, frame: FrameType | None) -> None:
        stack: list[str] = []
        while frame is not None and len(stack) < DEEPEST:
            code = frame.f_code
            stack.append(f"{code.co_qualname} ({code.co_filename}:{frame.f_lineno or 0})")
            frame = frame.f_back
        self._stacks[";".join(reversed(stack))] += 1

    def _end(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        unfinished = self._file.with_suffix(".part")
        unfinished.write_text("".join(f"{stack} {count}\n" for stack, count in self._stacks.items()))
        unfinished.rename(self._file)


if __name__ == "__main__":
    Sampler(Path(os.environ.pop(PROFILE))).install()
    sys.argv[0] = "customer-worker"
    from worker.cli import main

    main()
