"""As many schedules as there is patience for, and one line for each world that was searched."""

import argparse
import random
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from chaos import protocol_claims
from chaos.protocol import Rules, ended, named
from chaos.protocol_owners import deployments
from chaos.protocol_retention import retained
from chaos.protocol_steps import Model
from chaos.schedules import ends_calmly, search, walk


def worlds(workers: int) -> list[Rules]:
    """One record, then a repeat; without a look-up, and with one that misses
    who was created without an id; then a person who says that the customer exists; then a record that is another event
    for every second worker, of which no repeat can be known."""
    plain = Rules(moves=workers - 1)
    hard = replace(plain, crashes=1, unsent=1, trips=1, tellings=1)
    told = replace(plain, max_attempts=1, confirmations=1)
    every = (
        replace(rules, look_up=look_up, unfindable=look_up, records=records)
        for look_up in (False, True)
        for records in (1, 2)
        for rules in (replace(plain, max_attempts=1), plain, hard, told, replace(told, accepted=records > 1))
    )
    remapped = (replace(hard, look_up=look_up, remapped=True) for look_up in (False, True))
    return list(dict.fromkeys((*every, *remapped)))


def told(states: int) -> None:
    """On a terminal only."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{states:>12,} states ")


def searched(rules: Rules, limit: int) -> bool:
    """Whether the promises are kept; prints what was seen."""
    started = time.monotonic()
    found = search(rules, limit, progress=told)
    size = f"{found.states:>10,} {'all' if found.complete else 'cut'} {time.monotonic() - started:>7.1f} s"
    told(0)
    sys.stdout.write(f"{size}  {named(rules)}: {', '.join(found.wrong) or 'nothing broken'}\n")
    for broken, schedule in found.wrong.items():
        sys.stdout.write(f"    {broken}: {schedule}\n")
    sys.stdout.flush()
    return not found.wrong


def claimed(what: str, make: Callable[[], protocol_claims.World], limit: int) -> bool:
    """The same of claims, which are played from their beginning: a hundredth of the states take as long."""
    found = protocol_claims.search(make, limit // 100)
    size = f"{found.states:>10,} {'all' if found.complete else 'cut'}"
    sys.stdout.write(f"{size}  {what}: {found.wrong or 'nothing broken'}\n")
    return not found.wrong


def walked(rules: Rules, walks: int, seed: int) -> bool:
    """The same of long schedules at random."""
    model, chance, committed = Model(rules), random.Random(seed), 0  # noqa: S311  a schedule is no secret
    for _ in range(walks):
        done = walk(model, chance, length=chance.randint(5, 120))
        if done.wrong or not (ended(done.state) or ends_calmly(model, done.state)):
            sys.stdout.write(f"walk, {named(rules)}: {done.wrong or 'stuck'}: {done.schedule}\n")
            return False
        committed += ended(done.state)
    sys.stdout.write(f"{walks:>10,} walks, {committed:,} committed  {named(rules)}: nothing broken\n")
    return True


def main() -> int:
    """0 where every promise is kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", type=int, default=1_000_000, help="at most, for each world")
    parser.add_argument("--workers", type=int, default=2, help="how often the group gives the partition to somebody")
    parser.add_argument("--walks", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    kept = [searched(rules, given.states) for rules in worlds(given.workers)]
    kept += [claimed("two deployments over one journal", deployments, given.states)]
    kept += [
        claimed(f"a beginning that moves, posted={posted}", partial(retained, posted=posted), given.states)
        for posted in (False, True)
    ]
    deep = Rules(moves=5, crashes=2, unsent=2, trips=2, tellings=2, confirmations=2)
    looked_up = replace(deep, records=2, look_up=True, unfindable=True)
    kept += [walked(rules, given.walks, given.seed) for rules in (deep, looked_up)]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
