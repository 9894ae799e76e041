"""What people have the console do: one thing at a time, each once, and told as it ended."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import htpy as h
import pytest
from patience import PATIENCE, turns, until
from structlog.testing import capture_logs

from worker import clocks
from worker.console.desk import Desk
from worker.console.runs.told import told
from worker.console.web.asked import Asked
from worker.console.web.rights import STRANGER
from worker.console.work import inquiries as inquiring
from worker.console.work.ends import KINDS, TOLD, Ends
from worker.console.work.inquiries import Inquiries
from worker.console.work.jobs import LookUp, Replay
from worker.console.work.runs import Busy, Run, Runs
from worker.creation.reconcile import Absent, Existing, Unclear
from worker.events.results import FAILED, SUCCEEDED
from worker.events.results_read import Result
from worker.model.errors import KafkaUnavailable, Superseded
from worker.model.outcomes import ReasonCode
from worker.model.records import Position
from worker.settings.settings import Settings
from worker.tools.dead_letters.following import Ending
from worker.tools.dead_letters.letters import Letter
from worker.tools.dead_letters.results import Replayed
from worker.tools.dead_letters.selection import Selection
from worker.tools.reading.place import Place
from worker.tools.reading.place_set import PlaceSet


@dataclass
class Waits:
    """Does nothing until it is let go, or stopped."""

    kind: str = "replay"
    error: Exception | None = None
    begun: int = 0
    go: asyncio.Event = field(default_factory=asyncio.Event)

    def facts(self):
        return {"letters": 3}

    async def do(self, run: Run):
        self.begun += 1
        while not self.go.is_set() and not run.is_stopping:
            await run.sleep(0.001)
        if self.error:
            raise self.error


@pytest.fixture
async def runs():
    changed: list[int] = []
    made = Runs(lambda: changed.append(1))
    yield made
    await made.close()
    assert len(changed) >= sum(run.ended is not None for run in made.kept.values())


async def ended(run):
    await until(lambda: run.ended is not None, every=0.001)
    return run


async def test_a_form_that_is_sent_twice(runs):
    """It is one run, while it is under way and after its end."""
    first, second = Waits(), Waits()
    run = runs.begin("n", first, "jo")
    assert runs.begin("n", second, "jo") is run
    first.go.set()
    assert (await ended(run)).state == "done"
    assert runs.begin("n", second, "jo") is run
    await asyncio.sleep(0)
    assert (first.begun, second.begun) == (1, 0)


async def test_two_runs(runs):
    """The second is told which is under way, and may begin after that."""
    first = Waits()
    run = runs.begin("a", first, "jo")
    with pytest.raises(Busy, match="for jo") as busy:
        runs.begin("b", Waits(), "al")
    assert busy.value.run is run
    assert "b" not in runs.kept
    first.go.set()
    await ended(run)
    runs.begin("b", Waits(), "al").stop()


@pytest.mark.parametrize(
    ("error", "state", "detail"),
    [
        (None, "done", None),
        (Superseded("x"), "taken over", "somebody else's replay or resolution"),
        (KafkaUnavailable("no broker"), "failed", "no broker"),
        (TimeoutError(), "failed", "no answer came in time"),
        (ValueError("jack@example.com"), "failed", "an error of the console's own"),
    ],
)
async def test_how_a_run_ends(runs, error, state, detail):
    """It says so, with who began it; the text of an error that is none of ours is told nowhere."""
    job = Waits(error=error)
    with capture_logs() as lines:
        run = runs.begin("n", job, "jo")
        job.go.set()
        await ended(run)
    assert run.state == state
    assert (detail or "") in (run.detail or "")
    begun, *_, over = lines
    assert (begun["event"], begun["by"], begun["run"]) == ("run.started", "jo", "n")
    assert (over["event"], over["state"], over["letters"]) == ("run.ended", state, 3)
    assert "jack" not in str(lines)


async def test_a_run_that_is_stopped(runs):
    """It ends by itself, and is no failure."""
    run = runs.begin("n", Waits(), "jo")
    run.stop()
    assert (await ended(run)).state == "stopped"


async def test_a_console_that_ends():
    """What is under way is stopped, not cut off."""
    runs = Runs(lambda: None)
    run = runs.begin("n", Waits(), "jo")
    await asyncio.sleep(0)
    await runs.close()
    assert run.state == "stopped"


async def test_a_run_that_has_published_all(runs):
    """It waits for what becomes of it, and keeps nobody from another one."""
    first, second = Waits(), Waits()
    run = runs.begin("a", first, "jo")
    run.published()
    other = runs.begin("b", second, "al")
    assert (run.state, runs.active) == ("waiting for the worker", other)
    second.go.set()
    assert (await ended(other)).state == "done"
    first.go.set()
    assert (await ended(run)).state == "done"


async def test_what_was_read_before():
    """Is read again once a run has published all, and once more at its end."""
    changed = []
    runs, job = Runs(lambda: changed.append(1)), Waits()
    run = runs.begin("n", job, "jo")
    run.published()
    assert len(changed) == 1
    job.go.set()
    await ended(run)
    assert len(changed) == 2


async def test_a_sleep_that_is_cut_short():
    """A pause between two batches does not keep a run from being stopped."""
    run = Run("n", Waits(), "jo")
    sleeping = asyncio.create_task(run.sleep(3_600))
    await asyncio.sleep(0)
    run.stop()
    await asyncio.wait_for(sleeping, PATIENCE)
    await run.sleep(3_600)


async def test_runs_that_are_forgotten(runs):
    """There is a bound, and the newest stay."""
    for number in range(105):
        job = Waits()
        job.go.set()
        await ended(runs.begin(str(number), job, "jo"))
    assert (len(runs.kept), next(iter(runs.kept))) == (100, "5")


async def test_the_name_of_a_form(runs):
    """It is that of the run under way, and after its end another one that no run has, however many are forgotten."""
    nothing = cast("Any", None)
    desk = Desk(nothing, nothing, nothing, runs, nothing, began=255)
    place, names = Place(0, 5), []
    for _ in range(3):
        job = Waits()
        run = runs.begin(desk.run_name("look-up", place), job, "jo")
        assert desk.run_name("look-up", place) == run.name
        job.go.set()
        names.append((await ended(run)).name)
    assert names == [f"look-up-0-5-{number}-ff" for number in (1, 2, 3)]
    del runs.kept[names[0]]
    assert desk.run_name("look-up", place) == "look-up-0-5-4-ff"
    assert desk.run_name("look-up", Place(0, 51)) == "look-up-0-51-1-ff"


def created(number, customer="1", resolution="created"):
    data = {"customerId": customer, "resolution": resolution, "attempts": 1}
    return Ending(Place(0, number), Result(SUCCEEDED, "urn:crm", "e", "requests", 0, number, data))


def failed(number, code):
    letter = {"topic": "dead", "partition": 2, "offset": 9}
    data = {"reason": {"code": code, "message": "no"}, "deadLetter": letter, "attempts": 1}
    return Ending(Place(0, number), Result(FAILED, "urn:crm", "e", "requests", 0, number, data))


def test_what_became_of_them():
    """Counted alike where they ended alike, in bounded room whatever somebody wrote into an event."""
    ends = Ends("requests")
    for number in range(TOLD + 500):
        ends.expect(Place(0, number), Position("requests", 0, number))
    for each in (created(0), failed(1, "rejected"), failed(2, "<b>" * 500), created(3, "y" * 10_000, "x" * 10_000)):
        ends.add(each)
    assert [(each.customer_id, each.dead) for each in ends.told.values()] == [
        ("1", None),
        (None, Place(2, 9)),
        (None, Place(2, 9)),
        ("y" * 60, None),
    ]
    assert dict(list(ends.counted.items())[:2]) == {"succeeded: created": 1, "failed again: rejected": 1}
    assert max(map(len, ends.counted)) <= 60
    for number in range(2_000):
        ends.add(failed(number, str(number)))
    assert len(ends.counted) <= KINDS + 1
    assert (len(ends.told), ends.counted.total()) == (TOLD, 2_004)


def test_letters_that_end_late():
    """Those that stand on the page are told, however many others have ended before them; none is said to go on that
    nobody has looked at since.
    """
    job = Replay(Settings(), Selection(PlaceSet({0: (0, 9_000)})))
    for number in range(9_000):
        job.add(Replayed(Letter(Place(0, number), 0, ReasonCode.REJECTED), Position("requests", 0, number)))
    for number in range(8_999, 0, -1):
        job.ends.awaited.pop(Place(0, number))
        job.ends.add(created(number))
    asked = Asked("/runs/n", STRANGER, cast("Any", None))
    run = Run("n", job, "jo")
    page = str(h.fragment[told(asked, run)])
    assert (page.count("customer 1"), page.count("not ended yet")) == (199, 1)
    assert "The worker has not ended" in page
    run.ended = 1.0
    page = str(h.fragment[told(asked, run)])
    assert (page.count("not ended yet"), page.count("not ended when this run ended")) == (0, 1)
    assert "When this run ended the worker had not ended" in page


def test_what_is_awaited():
    """Until its end is told."""
    ends = Ends("requests")
    ends.expect(Place(1, 2), Position("requests", 0, 7))
    assert ends.awaited == {Place(0, 7): Place(1, 2)}


async def test_an_inquiry(monkeypatch):
    """It is made once for all who ask, told as far as it is, and made anew when something was done."""
    asked, go = [], asyncio.Event()

    async def read(steps):
        asked.append(steps)
        with steps.progress("requests", 10) as advance:
            advance(4)
            await go.wait()
        return len(asked)

    inquiries = Inquiries()
    first = await inquiries.ask("it", read, patience=0.01)
    assert (first.answer, first.steps.what, first.steps.done, first.steps.total) == (None, "requests", 4, 10)
    assert await inquiries.ask("it", read, patience=0) is first
    go.set()
    assert (await inquiries.ask("it", read, patience=60)).answer == 1
    inquiries.forget()
    assert (await inquiries.ask("it", read, patience=60)).answer == 2
    monkeypatch.setattr(inquiring, "LASTS", -1.0)
    monkeypatch.setattr(inquiring, "WORTH", 0.0)
    inquiries.forget()
    assert (await inquiries.ask("it", read, patience=60)).answer == 3
    assert (await inquiries.ask("it", read, patience=60)).answer == 4
    await inquiries.close()


async def test_an_inquiry_under_way_when_something_is_done():
    """What it has read is not so any more: whoever waits for it, or asks again, is told what is so after that."""
    world, go = ["before"], asyncio.Event()

    async def read(_):
        told = world[0]
        await go.wait()
        return told

    inquiries = Inquiries()
    first = await inquiries.ask("it", read, patience=0)
    waiting = asyncio.create_task(inquiries.ask("it", read, patience=PATIENCE))
    await turns()
    world[0] = "after"
    inquiries.forget()
    again = await waiting
    assert (again.answer, again is first) == (None, False)
    go.set()
    assert await inquiries.ask("it", read, patience=PATIENCE) is again
    assert (first.answer, again.answer) == (None, "after")
    await inquiries.close()


@pytest.mark.parametrize(("error", "again"), [(None, False), (KafkaUnavailable("no broker"), True)])
async def test_how_long_an_answer_is_given_again(monkeypatch, error, again):
    """The longer the more it took to get; that there is none only for a moment, however long that took to know."""
    now, asked = [0.0], []
    monkeypatch.setattr(clocks, "monotonic", lambda: now[0])

    async def read(_):
        asked.append(1)
        now[0] += 60
        if error:
            raise error

    monkeypatch.setattr(clocks, "epoch", lambda: 1_000 + now[0])
    inquiries = Inquiries()
    await inquiries.ask("it", read, patience=PATIENCE)
    now[0] += 6
    found = await inquiries.ask("it", read, patience=PATIENCE)
    assert (len(asked), found.at) == (1 + again, 1_060 + 66 * again)
    await inquiries.close()


async def test_an_inquiry_that_finds_nothing():
    """It says why; another one goes on."""

    async def read(_):
        raise KafkaUnavailable("no broker")

    inquiries = Inquiries()
    assert (await inquiries.ask("it", read, patience=60)).trouble == "no broker"
    for number in range(300):
        await inquiries.ask(number, read, patience=0)
    assert len(inquiries._known) <= 100
    await inquiries.close()


@pytest.mark.parametrize("finding", [Existing("7"), Absent(), Unclear("many")])
def test_what_a_look_up_has_found_is_told_when_another_run_may_begin(finding):
    """Until then whatever is done about it would be refused: the look-up's session is being ended."""
    job = LookUp(cast("Any", None), Place(0, 1), finding)
    run = Run("n", job, "jo")
    asked = Asked("/runs/n", STRANGER, cast("Any", None))
    assert "notice" not in str(h.fragment[told(asked, run)])
    run.ended = 1.0
    assert "notice" in str(h.fragment[told(asked, run)])
