"""Simulated stories: `tests/simulation/run --seeds 1000`."""

import argparse
import logging
import sys
import time
import traceback

import structlog

from .play import Played, play
from .story import Story, drawn


def attempt(story: Story) -> Played:
    """A story that cannot be played is a finding."""
    from .judge import Finding  # noqa: PLC0415

    try:
        return play(story)
    except Exception as error:  # noqa: BLE001
        return Played(story, [Finding("crashed", "".join(traceback.format_exception(error))[-1500:])], 0, 0, 0, 0)


def main() -> int:
    """Exit 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="tests/simulation/run")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    failed, steps, virtual, records, began = 0, 0, 0.0, 0, time.perf_counter()
    for seed in range(asked.seed, asked.seed + asked.seeds):
        played = attempt(drawn(seed))
        steps, virtual, records = steps + played.steps, virtual + played.seconds, records + played.records
        if played.findings:
            failed += 1
            print("\n".join([*played.story.told(), *(f"    {each}" for each in played.findings[:6])]), flush=True)
    took = time.perf_counter() - began
    print(f"{asked.seeds} stories, {failed} failed, {virtual:.0f} simulated s, {records} records, {took:.0f} s: {records / took:.0f} records/s, {virtual / took:.0f} x")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
