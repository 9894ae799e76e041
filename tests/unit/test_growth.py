"""More partitions: in which order, and what that moves."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.model.errors import StartupError
from worker.tools.growth import Growth, Step, names, steps
from worker.topics import Cluster, Plan, Topic

PLAN = Plan("requests", "succeeded", "failed", "letters", "journal")


def cluster(requests=6, journal=6, letters=6):
    counts = {"requests": requests, "journal": journal, "letters": letters}
    return Cluster(1, {name: Topic(name, count, 1) for name, count in counts.items()})


def growth(before=6, after=12, **changes):
    whole = tuple(Step(name, before, after) for name in names(PLAN))
    return replace(Growth("group", 0, whole, waiting=0, recent=0, window=86_400), **changes)


def test_the_order():
    """The requests come first: a journal that is larger than they are is somebody else's to all who claim."""
    assert [(each.topic, each.before, each.after) for each in steps(PLAN, cluster(), 12)] == [
        ("requests", 6, 12),
        ("journal", 6, 12),
        ("letters", 6, 12),
    ]


def test_requests_that_have_grown_already():
    """Only what is behind grows, and no key moves any more."""
    found = steps(PLAN, cluster(requests=12), 12)
    assert [each.grows for each in found] == [False, True, True]
    told = "\n".join(growth(steps=tuple(found), members=3).lines(done=False))
    assert told.splitlines()[0] == "requests: has 12 partitions already"
    assert "keys" not in told


def test_a_journal_that_has_grown_alone():
    """The requests catch up."""
    assert [each.grows for each in steps(PLAN, cluster(journal=12), 12)] == [True, False, True]


@pytest.mark.parametrize("counts", [{"requests": 12}, {"journal": 12}])
def test_fewer(counts):
    """There is no way to take one away."""
    with pytest.raises(StartupError, match="has 12 partitions, and Kafka takes none away: 8 cannot be"):
        steps(PLAN, cluster(**counts), 8)


def test_more_dead_letters_than_asked_for():
    """They need not agree."""
    assert [each.grows for each in steps(PLAN, cluster(letters=40), 12)] == [True, True, False]


@pytest.mark.parametrize("missing", ["requests", "journal", "letters"])
def test_a_topic_that_is_not_there(missing):
    """It has to be made first."""
    there = {name: topic for name, topic in cluster().topics.items() if name != missing}
    with pytest.raises(StartupError, match=f"topic {missing} does not exist: `customer-worker topics create`"):
        steps(PLAN, Cluster(1, there), 12)


def test_a_journal_that_is_switched_off():
    """It is left alone, there or not."""
    plan = replace(PLAN, journal_enabled=False)
    assert [each.topic for each in steps(plan, cluster(), 12)] == ["requests", "letters"]


@given(st.integers(1, 40), st.integers(1, 40))
def test_any_numbers(before, more):
    """The share of moved keys is that of all hashes whose remainders differ."""
    after = before + more
    hashes = range(before * after)
    moved = sum(each % before != each % after for each in hashes)
    assert growth(before, after).moved == pytest.approx(moved / len(hashes))


def test_what_moves():
    """Keys, what they may overtake, and which repeats make a second customer."""
    told = "\n".join(growth(waiting=7, recent=1000).lines(done=False))
    assert "requests: has 6 partitions, would have 12" in told
    assert "keys: 50% of them move" in told
    assert "7 records are not committed yet" in told
    assert "1000 records came in the last 86400 s, some 500 of them under keys that move" in told
    assert "nothing waits to be overtaken" in "\n".join(growth().lines(done=False))


def test_what_was_done():
    assert next(growth().lines(done=True)) == "requests: had 6 partitions, has 12"
