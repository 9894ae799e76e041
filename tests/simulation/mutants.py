"""Faults put back into the running worker, and the first story that finds each: tests/simulation/mutants."""

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from .faults import MUTANTS
from .faults.below import ELSEWHERE
from .faults.mutant import NAMED, Mutant
from .run import attempt, quiet, tell
from .story import Story, read

TESTS = Path(__file__).parents[1]
KEPT = Path(__file__).with_name("mutants.txt")


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


def search(name: str, most: int, seed: int = 1, near: Story | None = None) -> Found:
    """Play stories with the fault until one finds it that keeps every promise without.

    `near` is a story that found it before the worker was changed: under another seed it often does again.
    """
    began, mutant = time.perf_counter(), MUTANTS[name]
    for tried in range(1, most + 1):
        story = replace(near, seed=near.seed + tried) if near else mutant.drawn(seed + tried - 1)
        if not (found := found_by(mutant, story)):
            continue
        if without := attempt(story).findings:
            tell(f"without the fault, too: {without[0]}", f"    {story.written()}")
        else:
            return Found(name, story, tried, time.perf_counter() - began, found[0])
    return Found(name, None, most, time.perf_counter() - began, "")


@dataclass(frozen=True, slots=True)
class Kept:
    """The story that is known to find a mutant, the last of so many that were `tried`."""

    story: Story
    tried: int


def kept() -> dict[str, Kept]:
    """Of lines `NAME TRIED STORY`, by mutant."""
    lines = [line.split(" ", 2) for line in KEPT.read_text().splitlines() if line and not line.startswith("#")]
    return {name: Kept(read(story), int(tried)) for name, tried, story in lines}


def found_elsewhere(name: str) -> bool:
    """Whether its test fails with the fault, and passes without."""
    file, test = ELSEWHERE[name]
    command = [sys.executable, "-m", "pytest", "-q", "-x", str(TESTS / file), "-k", test]
    with_it = [*command, "-p", "simulation.faults.alive"]
    found = subprocess.run(with_it, env={**os.environ, NAMED: name}, capture_output=True, check=False).returncode
    without = subprocess.run(command, capture_output=True, check=False).returncode
    tell(f"{name:30} {file} {test}: {found} with the fault, {without} without")
    return (found, without) == (1, 0)


def main() -> int:
    """Exit 1 where a fault was not found."""
    parser = argparse.ArgumentParser(prog="tests/simulation/mutants", description=__doc__)
    parser.add_argument("--search", type=int, default=60, help="so many stories each at most")
    parser.add_argument("--seed", type=int, default=1, help="the first one's seed")
    parser.add_argument("--near", action="store_true", help="the kept story of each, under other seeds")
    parser.add_argument("--elsewhere", action="store_true", help="the tests that find what no story does")
    parser.add_argument("names", nargs="*", help="these alone")
    asked = parser.parse_args()
    if asked.elsewhere:
        return int(sum(map(found_elsewhere, asked.names or ELSEWHERE)) < len(asked.names or ELSEWHERE))
    quiet()
    stories = kept() if asked.near else {}
    missing = 0
    for name in asked.names or MUTANTS:
        found = search(name, asked.search, asked.seed, stories[name].story if name in stories else None)
        missing += found.story is None
        tell(found.told(), *([f"    {name} {found.tried} {found.story.written()}"] if found.story else []))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
