"""Schedules of the protocol: all of them, the shortest first; or long ones at random."""

import random
import sys
from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from chaos.protocol import Rules, State, ended, name, start, untrue, wrong
from chaos.protocol_steps import Model

POST_ENDS = ("POST is", "waits no longer")


@dataclass(slots=True)
class Found:
    """What a search has seen; `wrong` holds the shortest schedule to each broken promise."""

    states: int = 0
    complete: bool = False
    wrong: dict[str, str] = field(default_factory=dict)
    ends: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Tree:
    """How each state was reached first. States are told apart by their 64-bit hash: five million of them share one
    with a chance of one in a million.
    """

    seen: set[int]
    parents: "array[int]" = field(default_factory=lambda: array("q", [-1]))
    labels: list[str] = field(default_factory=lambda: [""])

    def add(self, parent: int, label: str, state: State) -> int | None:
        """The state's number; None where it is known."""
        value = hash(state)
        if value in self.seen:
            return None
        self.seen.add(value)
        self.parents.append(parent)
        self.labels.append(sys.intern(label))
        return len(self.labels) - 1

    def schedule(self, number: int) -> str:
        """The steps to it."""
        steps = []
        while number > 0:
            steps.append(self.labels[number])
            number = self.parents[number]
        return " > ".join(reversed(steps))


def search(rules: Rules, limit: int, *, until: str = "", progress: Callable[[int], None] = lambda _: None) -> Found:
    """Breadth first, up to that many states, or `until` that promise is broken."""
    model, first, found = Model(rules), start(rules), Found()
    tree = _Tree({hash(first)})
    todo = deque([(0, first)])
    while todo and len(tree.labels) < limit and until not in found.wrong:
        number, state = todo.popleft()
        if broken := wrong(state, rules):
            found.wrong.setdefault(broken, tree.schedule(number))
            continue
        if broken := untrue(state):
            found.wrong.setdefault(broken, tree.schedule(number))
        found.ends.update(end.what for ends in state.told for end in ends)
        steps = list(model.steps(state))
        if not steps and not ended(state):
            found.wrong.setdefault("stuck", tree.schedule(number))
        for label, after in [*steps, *model.faults(state)]:
            added = tree.add(number, label, after)
            if added is not None:
                todo.append((added, after))
                if not added % 10_000:
                    progress(added)
    found.states, found.complete = len(tree.labels), not todo
    return found


def follow(rules: Rules, schedule: str) -> State | None:
    """The state at the end of the schedule; None where one of its steps is not possible."""
    model, state = Model(rules), start(rules)
    for label in schedule.split(" > "):
        after = dict([*model.steps(state), *model.faults(state)]).get(label)
        if after is None:
            return None
        state = after
    return state


@dataclass(frozen=True, slots=True)
class Walk:
    """One schedule at random, and what became of it."""

    schedule: str
    state: State
    wrong: str | None


def walk(model: Model, chance: random.Random, length: int) -> Walk:
    """Steps at random; one in ten is a fault, if there is one left."""
    state, labels = start(model.rules), list[str]()
    while len(labels) < length and not wrong(state, model.rules):
        steps, faults = list(model.steps(state)), list(model.faults(state))
        if not steps and not faults:
            break
        label, state = chance.choice(faults if faults and (not steps or chance.random() < 0.1) else steps)
        labels.append(label)
    return Walk(" > ".join(labels), state, wrong(state, model.rules))


def ends_calmly(model: Model, state: State, limit: int = 5_000) -> bool:
    """Whether all is committed in the end if only the newest worker goes on, and every POST meets its end."""
    seen, todo = {state}, deque([state])
    while todo and len(seen) < limit:
        state = todo.popleft()
        if ended(state):
            return True
        newest = (f"{name(len(state.workers) - 1)} ", f"{name(len(state.workers) - 1)}'s", "the group")
        for label, after in model.steps(state):
            if after not in seen and (label.startswith(newest) or any(met in label for met in POST_ENDS)):
                seen.add(after)
                todo.append(after)
    return False
