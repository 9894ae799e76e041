"""Simulated stories, one after the other; one that breaks a promise is cut down and told: tests/simulation/run."""

import argparse
import logging
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import astuple, dataclass
from functools import partial, reduce
from itertools import islice
from multiprocessing import get_context
from operator import add

import structlog
from finding import Finding

from .play import Played, play
from .shrink import shrunk
from .story import Act, Story, drawn, read


def attempt(story: Story) -> Played:
    """A story that cannot be played is a finding."""
    try:
        return play(story)
    except Exception as error:  # noqa: BLE001  whatever it is, the other stories are played
        return Played(story, [Finding("crashed", "".join(traceback.format_exception(error))[-1500:])])


@dataclass(slots=True)
class Total:
    """What was played; seconds."""

    stories: int = 0
    failed: int = 0
    simulated: float = 0.0
    steps: int = 0
    records: int = 0

    def add(self, played: Played) -> None:
        """One more."""
        self.stories += 1
        self.failed += bool(played.findings)
        self.simulated += played.seconds
        self.steps += played.steps
        self.records += played.records

    def plus(self, other: "Total") -> "Total":
        """Both together."""
        return Total(*map(add, astuple(self), astuple(other)))

    def told(self, took: float) -> str:
        """One line."""
        return (
            f"{self.stories} stories, {self.failed} failed; {self.simulated / 3600:.1f} simulated hours, "
            f"{self.records} records, {took:.0f} s: {self.steps / took:.0f} events/s, {self.simulated / took:.0f} x"
        )


def quiet() -> None:
    """Stories are told by what they break; the workers' own lines would hide that."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)


def tell(*lines: str) -> None:
    """On stdout, at once."""
    print(*lines, sep="\n", flush=True)  # noqa: T201  a report


def explain(played: Played, tries: int) -> None:
    """What was broken, at once; then the smallest story that breaks the same promise, and how to see it again."""
    kinds = {each.kind for each in played.findings}
    tell(*played.story.told(), *(f"    {each}" for each in played.findings[:6]))
    if tries:
        small = shrunk(played.story, lambda story: bool(kinds & {each.kind for each in attempt(story).findings}), tries)
        cut = [
            f"seed {small.seed} cut down to",
            *small.told(),
            *(f"    {each}" for each in attempt(small).findings[:6]),
        ]
        tell(*cut, f"see it again: tests/simulation/run --story '{small.written()}'", "")


def wanted(asked: argparse.Namespace, until: float) -> Iterator[Story]:
    """The stories that were asked for."""
    if asked.story:
        yield read(asked.story)
        return
    acts = [Act(name) for name in asked.only.split(",")] if asked.only else list(Act)
    seed = asked.seed
    while seed < asked.seed + asked.seeds if until == 0 else time.perf_counter() < until:
        yield drawn(seed, acts)
        seed += 1


def arguments() -> argparse.ArgumentParser:
    """What may be asked for."""
    parser = argparse.ArgumentParser(prog="tests/simulation/run", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="so many stories")
    parser.add_argument("--seed", type=int, default=1, help="the first one's seed")
    parser.add_argument("--hours", type=float, default=0.0, help="go on for so long instead")
    parser.add_argument("--processes", type=int, default=1, help="play so many at once, each by a process of its own")
    parser.add_argument("--only", default="", help=f"nothing but these happens: {','.join(Act)}")
    parser.add_argument("--story", default="", help="the one that is written here")
    parser.add_argument("--tries", type=int, default=60, help="stories that are played to cut a failing one down")
    return parser


def share(asked: argparse.Namespace, number: int) -> Total:
    """Play what falls to this process: of all stories each so many-th, from that one on, until Ctrl-C."""
    quiet()
    total = Total()
    until = time.perf_counter() + asked.hours * 3600 if asked.hours else 0
    with suppress(KeyboardInterrupt):
        for story in islice(wanted(asked, until), number, None, asked.processes):
            played = attempt(story)
            total.add(played)
            if played.findings:
                explain(played, 0 if asked.story else asked.tries)
    return total


def shares(asked: argparse.Namespace) -> Total:
    """The same by several processes. Ctrl-C interrupts each of them, and this one adds up what they have played."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    heard = (signal.SIGINT, signal.default_int_handler)
    with ProcessPoolExecutor(asked.processes, get_context("spawn"), signal.signal, heard) as pool:
        return reduce(Total.plus, pool.map(partial(share, asked), range(asked.processes)))


def main() -> int:
    """Exit 1 where a promise was broken."""
    asked, began = arguments().parse_args(), time.perf_counter()
    total = share(asked, 0) if asked.processes == 1 else shares(asked)
    tell(total.told(time.perf_counter() - began))
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
