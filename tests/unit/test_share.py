"""The group's moments, and those of them that are a worker's."""

from collections import defaultdict
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judging import most_within

from worker.creation.share import BEGINS_AFTER, ON_TIME, SPREAD, Share, interval, most_in_a_second

RATES = st.floats(0.2, 300)


@given(RATES)
def test_any_rate(rate):
    """Never faster than it, and slower by no more than a twentieth; the most that a second may have leaves room."""
    between = interval(rate)
    assert 1 / rate <= between <= (1 + SPREAD) / rate
    assert most_in_a_second(rate) * between >= 1 + SPREAD - 1e-9


def busy_moments(share, until, at):
    """What a worker sends that always has something to send and looks every few milliseconds; late by up to ON_TIME."""
    sent = []
    while at < until:
        moment = share.next(at)
        if moment is None or moment > until:
            break
        at = max(at, moment)
        sent.append(share.take(at))
    return sent


HISTORIES = st.lists(st.tuples(st.floats(0.05, 3), st.lists(st.integers(0, 5), min_size=6, max_size=6)), max_size=6)
"""How long each assignment lasts, and which of six workers has which of six partitions."""


@given(st.floats(2, 100), HISTORIES, st.lists(st.floats(-0.01, 0.01), min_size=6, max_size=6))
def test_any_rebalances(rate, history, ahead):
    """No second of the API's has more than 1.1 times the rate, whoever has which partitions, when all are busy.

    Their clocks are up to 10 ms away from the API's.
    """
    shares = [Share(rate, lambda: 6) for _ in range(6)]
    now, sent = 1_800_000_000.0, []
    for lasts, owners in history:
        for worker, share in enumerate(shares):
            for partition, owner in enumerate(owners):
                if owner == worker:
                    share.gain(partition, now + ahead[worker])
            sent += [each - ahead[worker] for each in busy_moments(share, now + lasts + ahead[worker], now)]
            for partition in range(6):
                share.lose(partition)
        now += lasts
    assert most_within(1, sent) <= most_in_a_second(rate)


@given(RATES, st.floats(0, 100_000))
def test_a_clock_that_is_set_back_between_two_assignments(rate, back):
    """The moments that were taken by the clock before are nobody's any more: sending goes on at once."""
    share = Share(rate, lambda: 1)
    share.gain(0, 1_800_000_000.0)
    assert share.take(1_800_000_000.0 + BEGINS_AFTER)
    share.lose(0)
    now = 1_800_000_001.0 + BEGINS_AFTER - back
    share.gain(0, now)
    assert now + BEGINS_AFTER <= share.next(now) <= now + BEGINS_AFTER + interval(rate) + 1e-6


@given(st.integers(1, 12), st.data())
def test_any_shares(partitions, data):
    """Together the workers have every moment once, each as many as its partitions are of all."""
    owners = data.draw(st.lists(st.integers(0, 2), min_size=partitions, max_size=partitions))
    shares: dict[int, Share] = defaultdict(lambda: Share(10, lambda: partitions))
    for partition, owner in enumerate(owners):
        shares[owner].gain(partition, 0)
    end = BEGINS_AFTER + partitions * 10 * interval(10) - 0.01
    moments = {owner: busy_moments(share, end, BEGINS_AFTER) for owner, share in shares.items()}
    together = sorted(each for found in moments.values() for each in found)
    assert all(abs(later - earlier - interval(10)) < 1e-6 for earlier, later in pairwise(together))
    for owner, found in moments.items():
        assert abs(len(found) - 10 * owners.count(owner)) <= owners.count(owner)
        assert shares[owner].own_rate == pytest.approx(owners.count(owner) / partitions / interval(10))


@given(RATES, st.lists(st.floats(0, 5), max_size=30))
def test_any_arrivals(rate, gaps):
    """Each moment is taken once and in order; none is older than ON_TIME, whatever was left unused before."""
    share = Share(rate, lambda: 3)
    share.gain(1, 0)
    now, taken = 0.0, []
    for gap in gaps:
        now += gap
        taken.append(share.take(now) or 0.0)
        assert taken[-1] >= now - ON_TIME
    assert all(earlier < later for earlier, later in pairwise(taken))
    assert all(moment >= BEGINS_AFTER for moment in taken)


def test_no_partitions():
    """There is no moment."""
    share = Share(5)
    share.gain(2, 0)
    share.lose(2)
    assert (share.next(10), share.take(10), share.is_empty) == (None, None, True)


def test_a_partition_that_nobody_has_counted_yet():
    """There are at least as many as that."""
    share = Share(10, lambda: 2)
    share.gain(4, 0)
    assert share.own_rate == 10 / 5
