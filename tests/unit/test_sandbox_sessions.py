"""The sandbox's sessions."""

import pytest
from fakes import Clock

from worker.sandbox.api.sessions import Sessions, TooManySessions, WrongCredentials

USERS = {"u": "p", "v": "q"}


def test_wrong_credentials() -> None:
    """Another password and an unknown user are refused alike."""
    sessions = Sessions(USERS)
    for user, password in (("u", "q"), ("u", ""), ("w", "p"), ("ü", "ü")):
        with pytest.raises(WrongCredentials):
            sessions.log_in(user, password, force=True)


def test_the_sixth_session() -> None:
    """It is refused; forced, it ends the user's earliest one and nobody else's."""
    sessions = Sessions(USERS)
    other = sessions.log_in("v", "q", force=False)
    first, second, *_ = [sessions.log_in("u", "p", force=False) for _ in range(5)]
    with pytest.raises(TooManySessions):
        sessions.log_in("u", "p", force=False)
    sixth = sessions.log_in("u", "p", force=True)
    assert sessions.use(first.id) is None
    assert [sessions.use(each.id) for each in (second, sixth, other)] == [second, sixth, other]
    assert sessions.evicted == 1


def test_a_session_that_lived_its_time() -> None:
    """It is over however much it was used, and leaves its place to another."""
    clock = Clock(100.0)
    sessions = Sessions(USERS, limit=1, lifetime=10, clock=clock)
    session = sessions.log_in("u", "p", force=False)
    clock.now += 9
    assert sessions.use(session.id) is session
    clock.now += 1
    assert sessions.use(session.id) is None
    old = sessions.log_in("u", "p", force=False)
    clock.now += 10
    assert sessions.log_in("u", "p", force=False) is not old


def test_a_session_of_two_calls() -> None:
    """The third call finds it over."""
    sessions = Sessions(USERS, calls=2)
    session = sessions.log_in("u", "p", force=False)
    assert [sessions.use(session.id) is session for _ in range(3)] == [True, True, False]


def test_rotation() -> None:
    """A new id every second call; the one before it is still good, the one before that is not."""
    sessions = Sessions(USERS, rotate_after=2)
    session = sessions.log_in("u", "p", force=False)
    first = session.id
    sessions.use(first)
    sessions.use(first)
    second = session.id
    assert second != first
    assert sessions.use(first) is session
    assert sessions.use(second) is session
    assert session.id not in {first, second}
    assert sessions.use(first) is None
    sessions.end(session)
    assert sessions.use(second) is None
    assert len(sessions) == 0


def test_expiry_on_request() -> None:
    """Of one user or of all; no id, an unknown one and an ended one are no session."""
    sessions = Sessions(USERS)
    one, two = sessions.log_in("u", "p", force=False), sessions.log_in("v", "q", force=False)
    assert sessions.expire("u") == 1
    assert sessions.use(one.id) is None
    assert sessions.use(two.id) is two
    assert sessions.expire() == 1
    assert [sessions.use(each) for each in (two.id, None, "", "nonsense")] == [None] * 4
