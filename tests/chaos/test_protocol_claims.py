"""Every order in which two deployments claim one journal, and in which its beginning moves while it is claimed."""

from functools import partial

import pytest
from chaos.protocol_claims import played, search
from chaos.protocol_owners import FOREIGN, WAR, deployments
from chaos.protocol_retention import DUPLICATE, retained


def test_two_deployments():
    """One of them holds and goes on, however late the other one's claim is; who was told whose it is claims no more."""
    found = search(deployments, 5_000)
    assert found.complete
    assert found.wrong == {}


@pytest.mark.parametrize(
    ("without", "broken"),
    [({"looks": False}, WAR), ({"names": False}, FOREIGN)],
    ids=["without the look before", "without names"],
)
def test_two_deployments_without_a_guard(without, broken):
    """The schedule that needs it is found."""
    assert broken in search(partial(deployments, **without), 5_000, until=broken).wrong


@pytest.mark.parametrize("first", ["a", "b"])
def test_two_claims_at_once(first):
    """Both have looked when the first one is written: it holds, and the other one is refused having written one."""
    second = "b" if first == "a" else "a"
    world, labels = played(deployments, (first, second, first, second, first, second))
    assert labels[2:] == [f"{first} writes", f"{second} writes", f"{first} reads", f"{second} reads"]
    assert (world.refused, world.claims(first), world.claims(second)) == ({second}, 1, 1)


def test_a_beginning_that_moves():
    """Whatever retention takes of what nobody needs, and whenever: one customer, and one end."""
    assert search(retained, 6_000).wrong == {}
    assert search(partial(retained, posted=False), 3_000).wrong == {}


def test_a_beginning_that_moves_unseen():
    """Who is put at the log's end without a word opens the partition knowing nothing, and sends again."""
    found = search(partial(retained, told=False), 12_000, until=DUPLICATE)
    assert DUPLICATE in found.wrong
