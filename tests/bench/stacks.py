"""Collapsed stacks, as py-spy and our own sampler write them, summed up by package, line and call."""

import linecache
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

WORKER = "/worker/"
FRAME = re.compile(r"(?P<name>.*) \((?P<file>[^()]*?)(?::(?P<line>\d+))?\)")
KERNEL = {"send", "sendmsg", "recv", "recvfrom", "read", "write", "writev", "epoll_wait", "epoll_pwait", "epoll_ctl"}
ALWAYS = 0.98
"""What is on the stack more often than that is the way in, and says nothing."""


@dataclass(frozen=True)
class Frame:
    """One call: its name, its file, and the line it was at."""

    name: str
    file: str
    line: int

    @property
    def python(self) -> bool:
        return self.file.endswith(".py") or self.file.startswith("<")

    @property
    def ours(self) -> bool:
        return WORKER in self.file and "site-packages" not in self.file

    @property
    def module(self) -> str:
        """`worker.pipeline`, `aiohttp.client_reqrep`, `asyncio.tasks`."""
        path = Path(self.file)
        if self.ours:
            return "worker." + self.file.rpartition(WORKER)[2].removesuffix(".py").replace("/", ".")
        if "site-packages" in path.parts:
            inside = path.parts[path.parts.index("site-packages") + 1 :]
            return ".".join((*inside[:-1], inside[-1].partition(".")[0]))
        if self.file.startswith("<"):
            return "generated (dataclasses, attrs)"
        return f"{path.parent.name}.{path.stem}" if path.parent.name.isalpha() else path.stem

    @property
    def owner(self) -> str | None:
        """The package whose time this is; None for C code that works for its caller."""
        if "gc_collect" in self.name:
            return "garbage collection"
        if self.name in KERNEL:
            return f"kernel: {self.name}"
        if "_asynciomodule" in self.file or "/asyncio/" in self.file:
            return "asyncio"
        if "site-packages" in self.file or self.ours:
            return self.module.partition(".")[0]
        return f"stdlib {self.module}" if self.python else None

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@cache
def frame(text: str) -> Frame:
    """`name (file:line)`, the line wherever it is known."""
    if found := FRAME.fullmatch(text):
        return Frame(found["name"], found["file"], int(found["line"] or 0))
    return Frame(text, "", 0)


@dataclass(frozen=True)
class Profile:
    """Stacks from the outermost call to the innermost one, with the number of their samples."""

    stacks: list[tuple[list[Frame], int]]

    @property
    def samples(self) -> int:
        return sum(count for _, count in self.stacks)

    def packages(self) -> Counter[str]:
        """Self time; C code that works for its caller is its caller's."""
        return _summed((_owner(stack), count) for stack, count in self.stacks)

    def modules(self) -> Counter[str]:
        """Self time of Python modules, with the C code that they call."""
        return _summed((_innermost(stack).module, count) for stack, count in self.stacks)

    def lines(self) -> Counter[str]:
        """Self time of Python lines, with the C code that they call."""
        return _summed((_line(_innermost(stack)), count) for stack, count in self.stacks)

    def calls(self) -> Counter[str]:
        """Time of functions with all that they call."""
        found = _summed((name, count) for stack, count in self.stacks for name in _names(stack))
        return Counter({name: count for name, count in found.items() if count < ALWAYS * self.samples})


def read(text: str) -> Profile:
    """Each line is a stack and its count."""
    lines = (line.rpartition(" ") for line in text.splitlines())
    return Profile([([frame(each) for each in stack.split(";")], int(count)) for stack, _, count in lines])


def _summed(pairs: Iterable[tuple[str, int]]) -> Counter[str]:
    summed: Counter[str] = Counter()
    for name, count in pairs:
        summed[name] += count
    return summed


def _owner(stack: list[Frame]) -> str:
    return next((owner for each in reversed(stack) if (owner := each.owner)), "unknown")


def _innermost(stack: list[Frame]) -> Frame:
    return next((each for each in reversed(stack) if each.python), stack[-1])


def _names(stack: list[Frame]) -> Iterator[str]:
    ours = (each for each in stack if (each.python and "site-packages" in each.file) or each.ours)
    yield from {str(each) for each in ours}


def _line(at: Frame) -> str:
    return f"{at}:{at.line}  {linecache.getline(at.file, at.line).strip()[:60]}"
