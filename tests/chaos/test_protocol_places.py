"""Schedules in which a record is another event for every second worker, as after a limit or a mapping was changed."""

import random

import pytest
from chaos.protocol import Rules, ended, named
from chaos.protocol_steps import Model
from chaos.schedules import ends_calmly, follow, search, walk

DUPLICATE, TWO_ENDS = "duplicate", "two terminal events"


def told_apart(value):
    """The name of a test case."""
    return named(value) if isinstance(value, Rules) else value


@pytest.mark.parametrize(
    "rules",
    [
        Rules(remapped=True),
        Rules(remapped=True, look_up=True),
        Rules(remapped=True, moves=2, crashes=1),
        Rules(remapped=True, moves=2, look_up=True),
    ],
    ids=told_apart,
)
def test_the_shortest_schedules(rules):
    """One customer and one end, whichever event the record is for whoever comes next."""
    assert search(rules, 20_000).wrong == {}


@pytest.mark.parametrize("broken", [DUPLICATE, TWO_ENDS])
@pytest.mark.parametrize("look_up", [False, True])
def test_without_recall_by_offset(look_up, broken):
    """The schedule that needs it is found."""
    rules = Rules(remapped=True, look_up=look_up, places=False)
    found = search(rules, 20_000, until=broken)
    assert broken in found.wrong
    assert follow(rules, found.wrong[broken]) is not None


PARKED = (
    "a claims, reads > a starts r0 > a's intent lands at 1 > the group gives it to b > b claims, reads > "
    "b is in doubt of another event > b's outcome_unknown lands at 3 > b publishes outcome_unknown of r0 > "
    "the group gives it to c > c claims, reads"
)
MADE_UNTOLD = (
    "a claims, reads > a starts r0 > a's intent lands at 1 > a POSTs r0 > a gets 201 > the group gives it to b > "
    "the group gives it to c > c claims, reads > a's created lands at 3, a gap > b claims, reads"
)


@pytest.mark.parametrize(
    ("schedule", "step"),
    [(PARKED, "c recalls r0's end"), (MADE_UNTOLD, "b recalls for r0 that it exists")],
    ids=["an end as another event", "a customer of another event that nobody was told of"],
)
def test_what_was_known_as_another_event(schedule, step):
    """It is known under the first name again, and under the second as well."""
    assert follow(Rules(remapped=True, look_up=True, moves=2), f"{schedule} > {step}") is not None


@pytest.mark.parametrize("look_up", [False, True])
def test_long_schedules(look_up):
    """Many moves, crashes and errors of our own: promises kept, and wherever it stops, calm brings it to its end."""
    model = Model(Rules(remapped=True, look_up=look_up, moves=4, crashes=2, unsent=2, trips=2, tellings=2))
    chance = random.Random(3)  # noqa: S311  a schedule is no secret
    for _ in range(60):
        walked = walk(model, chance, length=chance.randint(5, 90))
        assert not walked.wrong, walked.schedule
        assert ended(walked.state) or ends_calmly(model, walked.state), walked.schedule
