"""A plan: what would become of each of its letters, and for how long it may be run."""

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from patience import turns, until
from structlog.testing import capture_logs

from worker import clocks
from worker.console.runs.plan import each_of
from worker.console.work import plans as planning
from worker.console.work.plans import GONE, LASTS, OTHERWISE, REASONS, Plan, Plans
from worker.model.errors import KafkaUnavailable
from worker.model.outcomes import ReasonCode
from worker.model.records import Position
from worker.settings.settings import Settings
from worker.tools.dead_letters.letters import Letter
from worker.tools.dead_letters.results import Found, Left, Replayed
from worker.tools.dead_letters.run import Batch, Begun, Selected
from worker.tools.dead_letters.selection import Selection
from worker.tools.reading.place import Place
from worker.tools.reading.place_set import PlaceSet

SPANS = {0: (3, 12), 4: (0, 5)}
ALL = [Place(number, offset) for number, span in SPANS.items() for offset in range(*span)]
NOWHERE = Position("requests", -1, -1)


def a_letter(place):
    return Letter(place, 0, ReasonCode.REJECTED, "requests", place)


def selection(places):
    made = Selection(PlaceSet(SPANS))
    for place in places:
        made.add(place, place)
    return made


def result(place, what):
    letter = a_letter(place)
    match what:
        case "due":
            return Replayed(letter, NOWHERE)
        case "found":
            return Found(letter, "2801")
        case _:
            return Left(letter, what)


outcomes = st.sampled_from(["due", "found", "left already", "left for good", "not told"])


@given(st.dictionaries(st.sampled_from(ALL), outcomes))
def test_each_letter_has_one_place_in_it(told):
    """It would be replayed, or is left for one reason; what was not told is not in the topic any more."""
    plan = Plan("n", "jo", selection(told))
    for place, what in told.items():
        if what != "not told":
            plan.add(result(place, what))
    assert not plan.is_due
    plan.judged()
    placed = [*each_of(plan.due), *(place for places in plan.left.values() for place in each_of(places))]
    assert sorted(placed) == sorted(told)
    assert set(each_of(plan.due)) == {place for place, what in told.items() if what == "due"}
    assert set(each_of(plan.left.get(GONE, PlaceSet({})))) == {p for p, what in told.items() if what == "not told"}
    assert plan.is_due == ("due" in told.values())
    assert plan.reasons.total() == len(plan.due)
    run = plan.to_run()
    assert set(each_of(run.places)) == set(each_of(plan.due))
    assert all(run.lowest[place.partition] <= place.offset for place in told)


def test_reasons_without_number():
    """However many there are, each letter is in one of a bounded number of lists."""
    wide = Selection(PlaceSet({0: (0, 200)}))
    plan = Plan("n", "jo", wide)
    for offset in range(200):
        wide.add(Place(0, offset), None)
        plan.add(Left(a_letter(Place(0, offset)), f"the look-up said {offset}"))
    plan.judged()
    assert len(plan.left) == REASONS + 1
    assert sum(map(len, plan.left.values())) == 200
    assert len(plan.left[OTHERWISE]) == 200 - REASONS


def test_how_long_it_lasts(monkeypatch):
    """Ten minutes from when it was judged."""
    now = [1_000.0]
    monkeypatch.setattr(clocks, "monotonic", lambda: now[0])
    plan = Plan("n", "jo", selection(ALL))
    plan.add(result(ALL[0], "due"))
    plan.judged()
    assert (plan.is_due, plan.seconds_left, LASTS) == (True, 600, 600)
    now[0] += 600.1
    assert (plan.is_due, plan.seconds_left) == (False, 0)


@pytest.fixture
def dry_runs(monkeypatch):
    """What a dry run finds, or raises."""
    found: list[Any] = []

    class Run:
        def __init__(self, settings, topics, order):
            assert not order.publish
            assert not order.look_up

        async def replay(self, wanted):
            yield Selected(len(wanted.places))
            yield Begun()
            for each in found:
                if isinstance(each, Exception):
                    raise each
                if callable(each):
                    await each()
                yield Batch([each])

    async def topics(*_):
        return None

    monkeypatch.setattr(planning, "Run", Run)
    monkeypatch.setattr(planning, "topics", topics)
    return found


@asynccontextmanager
async def opened():
    plans = Plans(Settings())
    yield plans
    await plans.close()


async def test_a_plan_that_is_judged(dry_runs):
    """In the background, once for its name, and with a line in the log that says for whom."""
    dry_runs += [result(ALL[0], "due"), result(ALL[1], "why not")]
    async with opened() as plans:
        with capture_logs() as lines:
            plan = plans.make("n", selection(ALL[:3]), "jo")
            assert plans.make("n", selection(ALL), "al") is plan
            await until(lambda: plan.state == "ready", every=0.001)
        assert {name: len(places) for name, places in plan.left.items()} == {"why not": 1, GONE: 1}
        assert [(line["event"], line["by"], line["letters"]) for line in lines] == [("plan.started", "jo", 3)]


async def test_a_plan_that_cannot_be_judged(dry_runs):
    """It says why, and cannot be run."""
    dry_runs += [result(ALL[0], "due"), KafkaUnavailable("no broker")]
    async with opened() as plans:
        plan = plans.make("n", selection(ALL), "jo")
        await until(lambda: plan.state == "failed", every=0.001)
        assert (plan.trouble, plan.is_due) == ("no broker", False)


async def test_plans_that_are_forgotten_while_they_wait(dry_runs):
    """Nobody judges them any more: as many are under way as are kept, and the newest have their turn."""
    dry_runs.append(asyncio.Event().wait)

    def under_way():
        return sum(task.get_name() == "plan" for task in asyncio.all_tasks())

    async with opened() as plans:
        for number in range(60):
            plans.make(str(number), selection(ALL), "jo")
            await asyncio.sleep(0)
        await turns()
        assert (under_way(), len(plans.kept)) == (20, 20)
        dry_runs.clear()
        plans.make("last", selection(ALL), "jo")
        for number in range(38, 60):
            plans.make(f"{number} again", selection(ALL), "jo")
        await until(lambda: all(plan.state == "ready" for plan in plans.kept.values()), every=0.001)
    assert under_way() == 0


async def test_plans_that_are_forgotten(dry_runs):
    """There is a bound, and the newest stay."""
    async with opened() as plans:
        for number in range(25):
            plans.make(str(number), selection(ALL), "jo")
        assert (len(plans.kept), next(iter(plans.kept))) == (20, "5")
        await asyncio.sleep(0)
