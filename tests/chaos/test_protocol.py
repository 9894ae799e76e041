"""Every schedule of the journal's protocol, and what each of its guards is there for."""

import random
from dataclasses import replace

import pytest
from chaos.protocol import NOT_BELIEVED, Rules, ended, named, wrong
from chaos.protocol_steps import Model
from chaos.reading import Reading
from chaos.schedules import ends_calmly, follow, search, walk

from worker.journal.recall import CreatedBefore, InDoubt

DUPLICATE, TWO_ENDS = "duplicate", "two terminal events"

LATE_FAILURE = (
    "a claims, reads > a starts r0 > a's intent lands at 1 > the group gives it to b > b claims, reads > "
    "b is in doubt > a POSTs r0 > a gets 400 > b settles, finds nothing > b's intent lands at 3 > b POSTs r0 > {} > "
    "a's rejected lands at 4, a gap"
)
"""Rejected, frozen; meanwhile b looks for it, and sends it again; a's failure is the record's first finish."""
REPEATED = Rules(look_up=True, records=2, moves=2)


def told_apart(value):
    """The name of a test case."""
    return named(value) if isinstance(value, Rules) else value


def promises(found):
    """What is broken, and the schedule that breaks it."""
    return found.wrong


@pytest.mark.parametrize(
    "rules",
    [
        Rules(),
        Rules(unsent=1),
        Rules(trips=1),
        Rules(tellings=1),
        Rules(look_up=True),
        Rules(look_up=True, unfindable=True),
        Rules(look_up=True, trips=1, max_attempts=1),
        Rules(look_up=True, tellings=1, max_attempts=1),
    ],
    ids=told_apart,
)
def test_every_schedule_of_one_record(rules):
    """Each keeps the promises, and whoever comes last can bring the record to its end."""
    found = search(rules, 60_000)
    assert found.complete
    assert promises(found) == {}


@pytest.mark.parametrize(
    "rules",
    [
        Rules(moves=2, crashes=1),
        Rules(look_up=True, moves=2),
        Rules(records=2, max_attempts=1),
        Rules(look_up=True, records=2),
        Rules(look_up=True, unfindable=True, records=2, max_attempts=1),
        Rules(look_up=True, unfindable=True, moves=2, crashes=1, max_attempts=1),
        Rules(records=2, accepted=True, max_attempts=1, trips=1),
    ],
    ids=told_apart,
)
def test_the_shortest_schedules_of_more(rules):
    """Three workers, crashes, a repeat of the event: as far as there is time for here."""
    assert promises(search(rules, 25_000)) == {}


@pytest.mark.parametrize(
    ("rules", "broken"),
    [
        (Rules(fence_at_intent=False, fence_at_last_look=False), DUPLICATE),
        (Rules(look_up=True, fence_at_intent=False, fence_at_last_look=False), DUPLICATE),
        (Rules(fence_at_finish=False), TWO_ENDS),
        (Rules(look_up=True, fence_at_finish=False), TWO_ENDS),
        (Rules(look_up=True, lease=False), DUPLICATE),
        (Rules(look_up=True, settle=False), DUPLICATE),
        (Rules(own_keys=False), TWO_ENDS),
        (Rules(look_up=True, own_keys=False), DUPLICATE),
        (Rules(first_finish_wins=False), TWO_ENDS),
        (Rules(look_up=True, first_finish_wins=False), TWO_ENDS),
        (Rules(evidence=False), NOT_BELIEVED),
        (Rules(look_up=True, evidence=False), NOT_BELIEVED),
        (Rules(late_is_evidence=False, max_attempts=1), NOT_BELIEVED),
        (Rules(look_up=True, late_is_evidence=False), NOT_BELIEVED),
        (Rules(read_up_to_claim=False), DUPLICATE),
        (Rules(look_up=True, read_up_to_claim=False), DUPLICATE),
        (Rules(records=2, accepted=True, own_intent_is_doubt=False, max_attempts=1), DUPLICATE),
        (Rules(look_up=True, unfindable=True, headers=False), DUPLICATE),
        (Rules(look_up=True, unfindable=True, headers=False, records=2, moves=0), DUPLICATE),
        (Rules(look_up=True, unfindable=True, ends_know=False, records=2, max_attempts=1), DUPLICATE),
    ],
    ids=told_apart,
)
def test_without_a_guard(rules, broken):
    """The schedule that needs it is found."""
    found = search(rules, 90_000, until=broken)
    assert broken in found.wrong
    assert follow(rules, found.wrong[broken]) is not None


@pytest.mark.parametrize(
    "rules",
    [
        Rules(lease=False),
        Rules(settle=False),
        Rules(fence_at_last_look=False),
        Rules(look_up=True, fence_at_last_look=False),
    ],
    ids=told_apart,
)
def test_a_guard_that_one_record_does_not_need(rules):
    """Where nothing is looked up nothing is sent after a doubt: neither lease nor settling is needed to send once.

    The acknowledgement of the intent looks at the same fence as the last look.
    """
    found = search(rules, 60_000)
    assert found.complete
    assert promises(found) == {}


@pytest.mark.parametrize("look_up", [False, True])
def test_the_last_look_alone(look_up):
    """It looks at the fence again: the acknowledgement of the intent need not have, in the shortest schedules."""
    assert promises(search(Rules(look_up=look_up, fence_at_intent=False), 20_000)) == {}


@pytest.mark.parametrize("look_up", [False, True])
def test_long_schedules(look_up):
    """Many moves, crashes and errors of our own: promises kept, and wherever it stops, calm brings it to its end."""
    model = Model(Rules(look_up=look_up, moves=4, crashes=2, unsent=2, trips=2, tellings=2))
    chance = random.Random(1)  # noqa: S311  a schedule is no secret
    for _ in range(60):
        walked = walk(model, chance, length=chance.randint(5, 90))
        assert not walked.wrong, walked.schedule
        assert ended(walked.state) or ends_calmly(model, walked.state), walked.schedule


NOWHERE = "a claims, reads > a starts r0 > a's intent lands at 1 > a POSTs r0 > a gets 201 without Location > {}"
"""The customer exists, and no search finds it."""


@pytest.mark.parametrize(
    ("after", "rules"),
    [
        ("a's exists lands at 2 > a settles, finds nothing > a's outcome_unknown lands at 3", Rules()),
        (
            "a's exists lands at 2 > a settles, finds nothing > a's outcome_unknown lands at 3 > a is in doubt > "
            "a settles, finds nothing > a's outcome_unknown lands at 4",
            Rules(records=2),
        ),
        (
            "a's exists lands at 2 > the group gives it to b > b claims, reads > b is in doubt > "
            "b settles, finds nothing > b's outcome_unknown lands at 4",
            Rules(),
        ),
        (
            "the group gives it to b > b claims, reads > a's exists lands at 3, a gap > b crashes > "
            "the group gives it to c > c claims, reads > c is in doubt > c settles, finds nothing > "
            "c's outcome_unknown lands at 5",
            Rules(moves=2, crashes=1),
        ),
    ],
)
def test_a_customer_without_an_id(after, rules):
    """Parked, in the same process, by a repeat, after a crash, and by who reads what a fenced worker has written."""
    state = follow(replace(rules, look_up=True, unfindable=True), NOWHERE.format(after))
    assert state is not None
    assert sum(state.executed) == 1


def repeat_recalled_after(schedule):
    """What whoever claims then knows of the repeat, whatever compaction left."""
    state, reading = follow(REPEATED, schedule), Reading()
    assert state is not None
    return {type(reading.recalled(known, 1)) for known in reading.restored(state.log)}


def test_a_repeat_of_what_a_fenced_worker_made():
    """Its evidence answers the repeat, though the record's end is another; without it the repeat is sent."""
    schedule = f"{LATE_FAILURE.format('b gets 201')} > b's created lands at 5, a gap"
    assert repeat_recalled_after(schedule) == {CreatedBefore}
    again = "the group gives it to c > c claims, reads > c recalls r0's end > c starts r1 > c's intent lands at 7"
    duplicated = follow(replace(REPEATED, evidence=False), f"{schedule} > {again} > c POSTs r1 > c gets 201")
    assert duplicated is not None
    assert wrong(duplicated) == DUPLICATE


def test_a_repeat_after_a_late_failure_while_a_post_is_unfinished():
    """b's intent is still open, so that the repeat is in doubt and not sent."""
    assert repeat_recalled_after(LATE_FAILURE.format("b gets 201")) == {InDoubt}


def test_a_repeat_after_a_late_failure_whose_post_was_parked():
    """b's reply was lost and it parked: the repeat is in doubt, also where compaction left b's last word alone."""
    lost = LATE_FAILURE.format("b is executed, the reply is lost > b settles, cannot look up")
    assert repeat_recalled_after(f"{lost} > b's outcome_unknown lands at 5, a gap") == {InDoubt}


@pytest.mark.parametrize("rules", [Rules(max_attempts=1), Rules(look_up=True)], ids=told_apart)
def test_an_event_that_says_failed(rules):
    """Then its record made no customer, and never will."""
    assert NOT_BELIEVED not in search(rules, 60_000, until=NOT_BELIEVED).wrong
