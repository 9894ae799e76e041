"""What `verify` makes of what it reads, against a naive model that keeps everything."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import orjson
import pytest
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from worker.cli import app
from worker.events.results import Results
from worker.model.commands import Request
from worker.model.outcomes import Failed, Reason, ReasonCode, Succeeded
from worker.model.records import Position, Record
from worker.tools.reading.offset_set import OffsetSet
from worker.tools.reading.place import Place
from worker.tools.verification.expired import joined
from worker.tools.verification.judgement import Customers, Ends, Letters, Suspects, deleted_unread
from worker.tools.verification.ranges import NOTHING, Range
from worker.tools.verification.reading import Failure, Success, failure, success
from worker.tools.verification.report import Finding, Part, Report, places
from worker.tools.verification.scan import Asked, ranged, spans
from worker.tools.verification.table import Table

RESULTS = Results("w", "ok", "failed", "letters", "g")
ASKED = Request("urn:crm", "e-1")
RECORD = Record("requests", 3, 7, 1, b"k", b"{}")
SPANS = {0: (5, 15), 1: (0, 4)}
PLACES = st.builds(Place, st.integers(0, 2), st.integers(3, 16))
MADE = RESULTS.succeeded(Succeeded("2801", "/c", "individual", 1), RECORD, ASKED).value or b""


def judged(place: Place) -> bool:
    first, end = SPANS.get(place.partition, (0, 0))
    return first <= place.offset < end


def places_of(finding: Finding) -> set[Place]:
    """The places of a finding, one by one."""
    told = set()
    for place in finding.places:
        partition, _, offsets = place.partition("@")
        first, _, last = offsets.partition("-")
        told |= {Place(int(partition), offset) for offset in range(int(first), int(last or first) + 1)}
    assert len(told) == finding.count
    return told


# --- bits and tables --------------------------------------------------------------------------------------------------


@given(st.sets(st.integers(0, 60)), st.sets(st.integers(0, 60)), st.integers(0, 40), st.integers(0, 30))
def test_bits_are_a_set_of_offsets(one: set[int], other: set[int], first: int, size: int) -> None:
    """Of those between first and end; every operation is that of sets."""
    window = set(range(first, first + size))
    some, more = OffsetSet(first, first + size), OffsetSet(first, first + size)
    for offset in one:
        some.add(offset)
    for offset in other:
        more.add(offset)
    one, other = one & window, other & window

    def kept(bits: OffsetSet) -> set[int]:
        runs = list(bits.runs())
        assert all(before[1] < after[0] for before, after in pairwise(runs))
        assert len(bits) == sum(end - start for start, end in runs)
        return {offset for run in runs for offset in range(*run)}

    assert kept(some) == one == {offset for offset in range(80) if offset in some}
    assert kept(some.both(more)) == one & other
    assert kept(some.either(more)) == one | other
    assert kept(some.without(more)) == one - other
    assert kept(some.others()) == window - one


def test_runs_that_are_close() -> None:
    """They are read in one go."""
    bits = OffsetSet(0, 100)
    for offset in (1, 2, 5, 50):
        bits.add(offset)
    assert list(bits.runs(10)) == [(1, 6), (50, 51)]
    assert list(bits.runs()) == [(1, 3), (5, 6), (50, 51)]


@given(st.lists(st.tuples(st.integers(0, 2**64 - 2), st.integers(0, 2**64 - 1))), st.integers(0, 8))
def test_table_is_a_dictionary_with_little_room(pairs: list[tuple[int, int]], room: int) -> None:
    """The first value of a key stays; a key for which there is no room is not kept."""
    table, model = Table(room), dict[int, int]()
    for key, value in pairs:
        if key not in model and len(model) == room:
            assert table.put(key, value) is None
        else:
            assert table.put(key, value) == model.setdefault(key, value)
    assert all(table.get(key) == model.get(key) for key, _ in pairs)
    assert table.is_full == (len(model) == room)


# --- reading ----------------------------------------------------------------------------------------------------------


def test_our_own_events_are_read() -> None:
    """As the worker writes them."""
    assert success(MADE, "requests") == Success(Place(3, 7), "urn:crm", "e-1", "2801")
    said = RESULTS.succeeded(Succeeded("2801", "/c", "individual", 0, "confirmed"), RECORD, ASKED).value
    assert success(said, "requests") == Success(Place(3, 7), "urn:crm", "e-1", "2801", confirmed=True)
    parked = Failed(Reason(ReasonCode.OUTCOME_UNKNOWN, "lost"), 1)
    told = RESULTS.failed(parked, RECORD, ASKED, Position("letters", 2, 9)).value
    assert failure(told, "requests", "letters") == Failure(Place(3, 7), Place(2, 9))
    assert failure(told, "requests", "others") is None
    assert success(told, "requests") is None
    assert failure(MADE, "requests", "letters") is None


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("id",), "another"),
        (("type",), "customer.create.succeeded.v2"),
        (("data",), None),
        (("data", "customerId"), 2801),
        (("data", "request", "offset"), -1),
        (("data", "request", "offset"), 2**60),
        (("data", "request", "offset"), True),
        (("data", "request", "partition"), "3"),
        (("data", "request", "topic"), "other"),
        (("data", "request", "source"), None),
        (("data",), {"request": {}}),
    ],
)
def test_events_that_are_not_ours(where: tuple[str, ...], value: Any) -> None:
    """One thing that is not as we write it is enough."""
    event = orjson.loads(MADE)
    *path, name = where
    inner = event
    for step in path:
        inner = inner[step]
    inner[name] = value
    assert success(orjson.dumps(event), "requests") is None


@given(st.binary() | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(repr).map(str.encode))
def test_anything_may_stand_in_a_topic(value: bytes) -> None:
    """It is foreign, and no error."""
    assert success(value, "requests") is None
    assert failure(value, "requests", "letters") is None


# --- judgement --------------------------------------------------------------------------------------------------------


def test_an_end_that_was_never_due():
    """It is not judged, by a name of its own."""
    ends = Ends(SPANS)
    ends.unbegun(Place(0, SPANS[0][0]))
    assert [(each.kind, each.count) for each in ends.not_judged() if each.count] == [("before_the_start", 1)]


@given(st.sets(PLACES), st.sets(PLACES), st.dictionaries(PLACES, st.booleans()))
def test_ends(succeeded: set[Place], failed: set[Place], records: dict[Place, bool]) -> None:
    """A record without an end is a gap, or not judged where its end may be deleted; an offset without a record none."""
    ends, letters = Ends(SPANS), Letters(SPANS, 0, {})
    for place in succeeded:
        ends.succeeded.add(place)
    for place in failed:
        letters.failed.add(place)
    missing = ends.missing(letters.failed)
    for place, old in records.items():
        if place.partition in missing and place.offset in missing[place.partition]:
            ends.record(place, old=old)
    gaps, twice = ends.findings(letters.failed)
    unclear, _ = ends.not_judged()
    open_ = {place for place in records if judged(place) and place not in succeeded | failed}
    assert places_of(gaps) == {place for place in open_ if not records[place]}
    assert places_of(unclear) == {place for place in open_ if records[place]}
    assert places_of(twice) == {place for place in succeeded & failed if judged(place)}


@given(
    st.lists(st.tuples(PLACES, st.booleans()), max_size=6), st.lists(st.tuples(PLACES, st.integers(0, 7)), max_size=6)
)
def test_letters(written: list[tuple[Place, bool]], told: list[tuple[Place, int]]) -> None:
    """Each letter wants its request's event, each event its request's letter; two first letters are deleted."""
    log = {0: (2, 6)}
    letters = Letters(SPANS, 6, log)
    kept = [(offset, *pair) for offset, pair in enumerate(written) if offset >= 2]
    for offset, request, old in kept:
        letters.letter(Place(0, offset), request, old=old)
    for request, offset in told:
        letters.failure(Failure(request, Place(0, offset)))
    failed = {request for request, _ in told}
    at = {offset: request for offset, request, _ in kept}
    alone, nowhere = letters.findings()
    may_be, gone, unknown = letters.not_judged()
    wanting = [(request, offset) for request, offset in told if judged(request) and at.get(offset) != request]
    assert places_of(alone) == {place for _, place, old in kept if not old and judged(place) and place not in failed}
    assert places_of(may_be) == {place for _, place, old in kept if old and judged(place) and place not in failed}
    assert nowhere.count == len([1 for _, offset in wanting if offset >= 2])
    assert gone.count == len([1 for _, offset in wanting if offset < 2])
    assert unknown.count == 0


def test_more_letters_than_there_is_room_for() -> None:
    """A letter that was not remembered is not called missing; one beyond the topic's end is."""
    letters = Letters(SPANS, 3, {0: (0, 3)}, room=1)
    for offset in range(3):
        letters.letter(Place(0, offset), Place(1, offset), old=False)
        letters.failure(Failure(Place(1, offset), Place(0, offset)))
    letters.failure(Failure(Place(1, 3), Place(0, 3)))
    assert [each.count for each in letters.findings()] == [0, 1]
    assert [each.count for each in letters.not_judged()] == [0, 0, 2]


EVENTS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("123"), st.booleans()), max_size=12)


@given(EVENTS)
def test_customers(seen: list[tuple[str, str, bool]]) -> None:
    """An event with two customers is found, one with the same customer again is not; a person's word is told apart."""
    told = [Success(Place(0, 0), "urn", event, customer, confirmed) for event, customer, confirmed in seen]
    customers = Customers(12)
    for each in told:
        customers.success(each)
    suspects = Suspects(customers.suspects)
    for each in told:
        suspects.success(each)
    made, mistaken = suspects.findings()
    of = {event: {each.customer for each in told if each.id == event} for event, _, _ in seen}
    said = {event: {each.customer for each in told if each.id == event and each.confirmed} for event in of}
    several = {event for event, ids in of.items() if len(ids) > 1}
    assert named(made) == {event for event in several if len(of[event] - said[event]) > 1}
    assert named(mistaken) == several - named(made)


def named(finding: Finding) -> set[str]:
    """The events of a finding."""
    return {place.partition(":")[0].removeprefix("urn ") for place in finding.places}


def suspects_of(*told: Success) -> Suspects:
    """All of their events."""
    suspects = Suspects({hash((each.source, each.id)) & (2**64 - 1) for each in told})
    for each in told:
        suspects.success(each)
    return suspects


def test_a_confirmation_of_another_customer() -> None:
    """It is told with both customers, and which of them a person named; without one it is the worker's own doing."""
    made, confirmed = Success(Place(0, 1), "urn", "a", "1"), Success(Place(0, 5), "urn", "a", "2", confirmed=True)
    found = [*suspects_of(made, confirmed).findings()]
    assert found[1] == Finding("confirmed_another_customer", 1, ("urn a: 1 (0@1), 2 (0@5, confirmed)",))
    assert found[0].count == 0
    assert [each.count for each in suspects_of(made, made._replace(customer="3")).findings()] == [1, 0]
    assert [each.count for each in suspects_of(made, confirmed._replace(customer="1")).findings()] == [0, 0]


def test_an_event_whose_name_looks_like_a_verdict() -> None:
    """What others wrote stands in the finding's own line."""
    one, other = (Success(Place(0, place), "urn", "a\nit holds", str(place)) for place in (1, 2))
    (found,) = (each for each in suspects_of(one, other).findings() if each.count)
    assert str(found) == "1 event has more than one customer: urn a\ufffdit holds: 1 (0@1), 2 (0@2)"


PART = Range({0: (5, 9)}, NOTHING)


@pytest.mark.parametrize(("one", "other", "count"), [(4, 9, 0), (4, 5, 1), (8, 9, 1), (5, 8, 1)])
def test_customers_of_events_outside_of_the_range(one: int, other: int, count: int) -> None:
    """They are told only where one of the event's requests was asked about."""
    events = [Success(Place(0, place), "urn", "a", str(place)) for place in (one, other)]
    customers = Customers(9, wanted=PART)
    for event in events:
        customers.success(event)
    suspects = Suspects(customers.suspects, PART)
    for event in events:
        suspects.success(event)
    assert [each.count for each in suspects.findings()] == [count, 0]


def test_events_outside_of_the_range_for_which_there_is_no_room() -> None:
    """They are not told."""
    customers = Customers(9, room=0, wanted=PART)
    for offset in (4, 5, 9):
        customers.success(Success(Place(0, offset), "urn", str(offset), "1"))
    customers.success(Success(Place(1, 5), "urn", "b", "1"))
    assert [each.count for each in customers.not_judged()] == [1]


def test_a_hash_that_two_events_share() -> None:
    """It raises a suspicion and no finding: the events themselves are compared."""
    one, other = Success(Place(0, 0), "urn", "a", "1"), Success(Place(0, 1), "urn", "b", "2")
    suspects = Suspects({hash(("urn", "a")) & (2**64 - 1), hash(("urn", "b")) & (2**64 - 1)})
    suspects.success(one)
    suspects.success(other)
    assert [each.count for each in suspects.findings()] == [0, 0]


def test_more_events_than_there_is_room_for() -> None:
    """It is said how many were not looked at; those that are remembered still are."""
    customers = Customers(3, room=1)
    for event, customer in [("a", "1"), ("b", "1"), ("a", "2")]:
        customers.success(Success(Place(0, 0), "urn", event, customer))
    assert len(customers.suspects) == 1
    assert [each.count for each in customers.not_judged()] == [1]


def test_offsets_that_were_deleted_unread() -> None:
    """They are told as they are."""
    assert deleted_unread({1: [(9, 10)], 0: [(3, 5), (7, 8)]}) == Finding("deleted_unread", 4, ("0@3-4", "0@7", "1@9"))


RUNS = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 5)).map(lambda run: (run[0], sum(run))))


@given(RUNS, RUNS)
def test_runs_that_are_joined(some: list[tuple[int, int]], more: list[tuple[int, int]]) -> None:
    """They cover the same offsets, each once, in order."""
    found = list(joined(some, more))
    assert all(before[1] < after[0] for before, after in pairwise(found))
    assert {offset for run in found for offset in range(*run)} == {
        offset for run in [*some, *more] for offset in range(*run)
    }


# --- telling ----------------------------------------------------------------------------------------------------------


def test_places_that_are_too_many() -> None:
    """The count is right, and the list ends."""
    bits = OffsetSet(0, 100)
    for offset in range(0, 100, 2):
        bits.add(offset)
    told = places("no_terminal_event", {0: bits})
    assert (told.count, len(told.places)) == (50, 20)
    assert str(told).endswith("0@38, ...")


def test_a_report() -> None:
    """What could not be judged is no failure."""
    finding = Finding("no_terminal_event", 2, ("0@1-2",))
    report = Report("requests", (Part(0, 0, 3, 1),), 1, 0, (), (finding,), {"ok": 2})
    assert report.holds
    assert list(report.lines()) == [
        "requests: 0@0-2",
        "1 succeeded, 0 failed; 1 offset not committed yet",
        "ok: 2 records are none of ours",
        "not judged: 2 requests ended in neither topic: 0@1-2",
        "it holds",
    ]
    assert report.as_dict()["notJudged"] == [{"kind": "no_terminal_event", "count": 2, "places": ["0@1-2"]}]


@pytest.mark.parametrize(
    ("asked", "told", "waiting"),
    [
        (Asked(), [(2, 6)], 3),
        (Asked(partition=0), [(2, 6)], 3),
        (Asked(partition=0, end=4), [(2, 4)], 0),
        (Asked(partition=0, first=4), [(4, 6)], 3),
        (Asked(partition=0, first=3, end=5), [(3, 5)], 0),
        (Asked(partition=0, first=8), [], 1),
        (Asked(partition=0, end=8), [(2, 6)], 2),
        (Asked(since=1), [], 0),
        (Asked(until=1), [(2, 6)], 3),
    ],
)
async def test_what_is_told_of_a_range(asked: Asked, told: list[tuple[int, int]], waiting: int) -> None:
    """What was deleted unread, and what is not committed yet, but nothing of that from outside of it."""
    requests = Log({TopicPartition("requests", 0): (6, 9)})
    wanted = await ranged(requests, asked)  # type: ignore[arg-type]
    ((part,), unread) = spans(requests, {0: 2}, wanted)  # type: ignore[arg-type]
    assert (list(wanted.within(0, unread.values())), part.in_flight) == (told, waiting)


NONE = "nothing is committed"
GONE = "the log holds nothing that is committed"
OUTSIDE = "nothing that is committed is in the range that was asked for"


@pytest.mark.parametrize(
    ("begins", "end", "stored", "asked", "why"),
    [
        (0, 0, None, Asked(), NONE),
        (0, 9, None, Asked(), NONE),
        (0, 9, 0, Asked(), NONE),
        (5, 9, None, Asked(first=2), NONE),
        (5, 9, 5, Asked(), GONE),
        (5, 9, 3, Asked(), GONE),
        (0, 9, 4, Asked(first=4), OUTSIDE),
        (0, 9, 9, Asked(first=20), OUTSIDE),
        (5, 9, 9, Asked(end=5), OUTSIDE),
        (5, 9, 9, Asked(since=1), OUTSIDE),
        (0, 9, 4, Asked(), "0@0-3"),
    ],
)
async def test_why_nothing_is_judged(begins: int, end: int, stored: int | None, asked: Asked, why: str) -> None:
    """The group, the log, or whoever asked has none of it."""
    requests = Log({TopicPartition("requests", 0): (begins, end)})
    wanted = await ranged(requests, asked)  # type: ignore[arg-type]
    parts, _ = spans(requests, {} if stored is None else {0: stored}, wanted)  # type: ignore[arg-type]
    assert next(Report("requests", tuple(parts), 0, 0, (), ()).lines()) == f"requests: {why}"


@dataclass
class Log:
    """In which no record is as young as anybody asks for."""

    ends: dict[TopicPartition, tuple[int, int]]

    async def at(self, _: int) -> dict[int, int]:
        return {place.partition: end for place, (_, end) in self.ends.items()}


@pytest.mark.parametrize(("place", "told"), [("0@2-4", True), ("0@2", True), ("0@3-4", False), ("1@2", False)])
def test_a_gap_at_the_beginning(place: str, *, told: bool) -> None:
    """May be no gap: it is told how to say so."""
    report = Report("requests", (Part(0, 2, 5, 0),), 1, 0, (Finding("no_terminal_event", 1, (place,)),), ())
    assert any("WORKER_KAFKA__START" in line for line in report.lines()) is told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["--from", "1"], "--partition"), (["--to", "1"], "--partition"), (["--since", "never"], "no age")],
)
def test_wrong_usage(arguments: list[str], told: str) -> None:
    """It is refused before anything is asked."""
    result = CliRunner().invoke(app, ["verify", *arguments], env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert told in result.output
