"""Faults put back into the running worker, and the first story that finds each: tests/simulation/mutants."""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from .faults import MUTANTS
from .faults.mutant import Mutant
from .run import attempt, quiet, tell
from .story import Story, read


def found_by(mutant: Mutant, story: Story) -> list[str]:
    """What that story breaks with the fault."""
    with mutant.alive():
        return [str(each) for each in attempt(story).findings]


@dataclass(frozen=True, slots=True)
class Found:
    """The first story that finds a mutant: `tried` stories and so many seconds after the search began."""

    name: str
    story: Story | None
    tried: int
    seconds: float
    finding: str

    def told(self) -> str:
        """One row."""
        found = f"{self.tried:5} stories {self.seconds:7.1f} s  {self.finding[:90]}" if self.story else "not found"
        return f"{self.name:30} {found}"


def search(name: str, most: int, seed: int = 1) -> Found:
    """Play stories with the fault until one finds it that keeps every promise without."""
    began, mutant = time.perf_counter(), MUTANTS[name]
    for tried in range(1, most + 1):
        story = mutant.drawn(seed + tried - 1)
        if not (found := found_by(mutant, story)):
            continue
        if without := attempt(story).findings:
            tell(f"without the fault, too: {without[0]}", f"    {story.written()}")
        else:
            return Found(name, story, tried, time.perf_counter() - began, found[0])
    return Found(name, None, most, time.perf_counter() - began, "")


def known(lines: Sequence[str]) -> dict[str, Story]:
    """Of lines `NAME STORY`, the story that finds each mutant."""
    pairs = (line.split(" ", 1) for line in lines if line and not line.startswith("#"))
    return {name: read(story) for name, story in pairs}


def main() -> int:
    """Exit 1 where a fault was not found."""
    parser = argparse.ArgumentParser(prog="tests/simulation/mutants", description=__doc__)
    parser.add_argument("--search", type=int, default=60, help="so many stories each at most")
    parser.add_argument("--seed", type=int, default=1, help="the first one's seed")
    parser.add_argument("names", nargs="*", help="these alone")
    asked = parser.parse_args()
    quiet()
    missing = 0
    for name in asked.names or MUTANTS:
        found = search(name, asked.search, asked.seed)
        missing += found.story is None
        tell(found.told(), *([f"    {found.name} {found.story.written()}"] if found.story else []))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
