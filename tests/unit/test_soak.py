"""The day of the soak, and what is judged of it."""

from itertools import pairwise

import pytest
from bench.soaking.books import DUPLICATE, LOST, Books, as_lines
from bench.soaking.curves import Sample, behind, growth, lives, over_lives
from bench.soaking.day import CALM, LEAST_BROKER, LEAST_ROLL, Day
from bench.soaking.ledger import Ledger
from bench.soaking.stream import INVALID, REJECTED, event_of, record

from worker.events.results import FAILED, SUCCEEDED
from worker.events.results_read import Result

WHOLE = Day(2_000_000, 7_200)


# --- the day ----------------------------------------------------------------------------------------------------------


def test_all_events_of_a_day():
    """Come within it, fewer of them by night than by day, and none before or after."""
    hours = [WHOLE.due(hour * WHOLE.hour) for hour in range(25)]
    assert (hours[0], hours[-1]) == (0, 2_000_000)
    assert (WHOLE.due(-1), WHOLE.due(9_999)) == (0, 2_000_000)
    each = [after - before for before, after in pairwise(hours)]
    assert 3 * each[3] < each[15]
    assert each[3] > 0


@pytest.mark.parametrize("minutes", [3, 30, 120])
def test_restarts(minutes):
    """Are as often as the day has them, as far as it is long enough, and leave its end alone."""
    day = Day(1, minutes * 60)
    for what, least in (("workers", LEAST_ROLL), ("broker", LEAST_BROKER)):
        moments = [each.at for each in day.restarts() if each.what == what]
        assert moments
        assert min((b - a for a, b in pairwise(moments)), default=least) >= least - 0.001
        assert max(moments) < day.seconds - CALM
    if minutes == 120:
        assert [sum(each.what == what for each in day.restarts()) for what in ("workers", "broker")] == [143, 24]


def test_maintenance():
    """Is at night and at noon, once with an answer and once without; the afternoon is the slowest."""
    closed = [WHOLE.mood(hour * WHOLE.hour).closed for hour in (1.9, 2.1, 2.4, 13.1, 13.3)]
    assert closed == [None, "refusing", None, "gone", None]
    assert WHOLE.mood(15 * WHOLE.hour).latency == pytest.approx(0.12)
    assert WHOLE.mood(3 * WHOLE.hour)[1:4] == (0, 0, 0)


# --- the stream and its books -----------------------------------------------------------------------------------------


def test_events_that_come_again():
    """Stand in the partition of the first time, behind it, under its key; none of them is one that is refused."""
    repeats = [number for number in range(3_000) if event_of(number) != number]
    assert len(repeats) == 6
    for number in repeats:
        first, again = record(event_of(number)), record(number)
        assert again == first
        assert again.event % 1_000 not in {INVALID, REJECTED}


def result(offset, event, customer="280001", *, failed=None):
    data = {"reason": {"code": failed}} if failed else {"customerId": customer, "resolution": "created"}
    return Result(FAILED if failed else SUCCEEDED, "bench", f"n{event}", "requests", 0, offset, data)


@pytest.fixture
def books(tmp_path):
    """Three records, the last of which the worker refuses, and what the API created of them."""
    ledger = Ledger.made(tmp_path / "ledger", INVALID + 1)
    found = Books(ledger)
    for offset, event in enumerate((1, 2, INVALID)):
        found.asked(0, offset, event)
    for event, customer in ((1, 280001), (2, 280002)):
        Ledger.opened(tmp_path / "ledger", INVALID + 1).create(event, customer)
    return found


GOOD = (result(0, 1), result(1, 2, "280002"), result(2, INVALID, failed="invalid_customer"))


def test_books_of_a_day_that_went_well(books):
    """Nothing is found; a result that is published again is counted and no end of its own."""
    for each in (*GOOD, GOOD[0]):
        books.ended(each)
    assert books.closed() == {}
    assert (books.records, books.again, dict(books.told)) == (3, 1, {"created": 2, "invalid_customer": 1})


@pytest.mark.parametrize(
    ("ends", "created", "told"),
    [
        (GOOD[1:], (), [f"1 {LOST}: 0@0"]),
        (GOOD, (2,), [f"1 {DUPLICATE}: event n2"]),
        (GOOD, (INVALID,), [f"1 were created and must not be: event n{INVALID}"]),
        (
            (*GOOD, result(0, 1, failed="rejected")),
            (),
            ["1 have two ends: 0@0", "1 failed as rejected for no reason: 0@0"],
        ),
        ((result(0, 1, "280002"), *GOOD[1:]), (), ["1 are told as a customer that is not theirs: 0@0"]),
        ((result(0, 2, "280002"), *GOOD[1:]), (), ["1 are told as another event: 0@0"]),
        ((*GOOD, result(3, 3)), (), ["1 are told and were never asked: 0@3"]),
    ],
)
def test_what_the_books_find(books, ends, created, told):
    """Each kind of wrong by its place, and nothing else."""
    for event in created:
        books.ledger.create(event, 280009)
    for each in ends:
        books.ended(each)
    assert list(as_lines(books.closed())) == told


# --- the curves -------------------------------------------------------------------------------------------------------


def test_how_long_records_waited():
    """Since the first moment at which there was more than the group is done with; nothing where Kafka did not tell."""
    seen = ((0, 0, 0), (1, 10, 10), (2, 20, 10), (3, 30, None), (4, 30, 10), (5, 30, 30))
    samples = [Sample(at, stored, committed, 0) for at, stored, committed in seen]
    assert behind(samples) == [(0, 0.0), (1, 0.0), (2, 0.0), (4, 2), (5, 0.0)]
    assert [each.lag for each in samples] == [0, 0, 10, None, 20, 0]


def test_the_growth_of_memory():
    """Is from when everything has its size to the end; one look that is high is none."""
    flat = [(at, min(at, 15.0) + (50 if at == 99 else 0)) for at in map(float, range(101))]
    assert growth(flat) == 0
    assert growth([(at, at) for at in map(float, range(101))]) == pytest.approx(70)
    assert growth([(0.0, 5.0)]) == 0


def test_lives():
    """Each process has a line; of a number the largest value of each of its lives counts."""
    samples = [Sample(1, 0, 0, 0, {(1, 0): 5, (2, 1): 6}), Sample(2, 0, 0, 0, {(1, 0): 7, (2, 2): 8})]
    assert lives(samples)[1, 0] == [(1, 5), (2, 7)]
    assert over_lives(samples, 2) == [(1, 6), (2, 8)]
