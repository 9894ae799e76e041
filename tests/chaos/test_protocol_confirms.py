"""Schedules in which a person says, at any time, which customer an event has; and the guard that this needs."""

import random
from dataclasses import replace

import pytest
from chaos.protocol import ALREADY_CREATED, CONFIRMED, REFUSED, UNHEEDED, Rules, ended, named
from chaos.protocol_steps import Model
from chaos.schedules import ends_calmly, follow, search, walk

ACCEPTED = Rules(records=2, accepted=True, confirmations=1, max_attempts=1)
PARKED = (
    "a claims, reads > a starts r0 > a's intent lands at 1 > a POSTs r0 > a is executed, the reply is lost > "
    "a's outcome_unknown lands at 2 > a publishes outcome_unknown of r0 > a person confirms it as r2 > a confirms r2 > "
    "a's confirmed lands at 3"
)


def told_apart(value):
    """The name of a test case."""
    return named(value) if isinstance(value, Rules) else value


@pytest.mark.parametrize(
    "rules",
    [
        Rules(confirmations=1),
        Rules(confirmations=1, look_up=True),
        Rules(confirmations=2, max_attempts=1),
        ACCEPTED,
        replace(ACCEPTED, look_up=True, moves=2),
    ],
    ids=told_apart,
)
def test_the_shortest_schedules(rules):
    """No duplicate, nothing sent in spite of a person's word, one end for each record, that one's included."""
    found = search(rules, 25_000)
    assert found.wrong == {}
    assert CONFIRMED in found.ends


@pytest.mark.parametrize("rules", [ACCEPTED, Rules(look_up=True, records=2, confirmations=1)], ids=told_apart)
def test_a_word_that_is_the_end_of_its_record_alone(rules):
    """Then the next repeat is sent: the schedule is found."""
    rules = replace(rules, confirmed_is_known=False)
    found = search(rules, 60_000, until=UNHEEDED)
    assert UNHEEDED in found.wrong
    assert follow(rules, found.wrong[UNHEEDED]) is not None


def test_a_repeat_after_a_person_s_word():
    """It is found, though the person who sends it accepts duplicates, and without the guard it is sent."""
    state = follow(ACCEPTED, f"{PARKED} > a recalls for r1 that it exists > a's already_created lands at 4")
    assert state is not None
    assert follow(replace(ACCEPTED, confirmed_is_known=False), f"{PARKED} > a starts r1") is not None


def test_another_customer_than_the_person_s():
    """Where there are two, the word may be about the one that the journal does not know: then it is refused."""
    twice = "a starts r1 > a's intent lands at 3 > a POSTs r1 > a gets 201 > a's created lands at 4"
    before, _, _ = PARKED.partition(" > a person")
    state = follow(ACCEPTED, f"{before} > {twice} > a person confirms it as r2 > a refuses r2 > a's refused lands at 5")
    assert state is not None
    assert REFUSED in {said.what for said in state.log}
    assert ALREADY_CREATED not in {said.what for said in state.log}


@pytest.mark.parametrize("look_up", [False, True])
def test_long_schedules(look_up):
    """Many moves, crashes and words: promises kept, and wherever it stops, calm brings it to its end."""
    model = Model(Rules(look_up=look_up, moves=4, crashes=2, unsent=2, trips=2, tellings=2, confirmations=2))
    chance = random.Random(2)  # noqa: S311  a schedule is no secret
    for _ in range(60):
        walked = walk(model, chance, length=chance.randint(5, 90))
        assert not walked.wrong, walked.schedule
        assert ended(walked.state) or ends_calmly(model, walked.state), walked.schedule
