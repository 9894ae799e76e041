"""The sessions of the API's users: at most five each, ended by age, number of calls, log-out or request."""

import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass


class WrongCredentials(Exception):
    """There is no such user, or the password is another one."""


class TooManySessions(Exception):
    """The user has as many open sessions as are allowed."""


@dataclass(slots=True)
class Session:
    """One session. `id` and `former_id` are secrets; `number` may be printed. `born` is on the sessions' clock."""

    number: int
    user: str
    id: str
    born: float
    calls: int = 0
    former_id: str | None = None

    @property
    def tag(self) -> str:
        """A short name of the session that may be printed."""
        return f"s{self.number}"


class Sessions:
    """The open sessions of all users. A session's lifetime counts from its log-in, whatever was called since."""

    def __init__(  # noqa: PLR0913 - each is one rule of a session
        self,
        users: Mapping[str, str],
        *,
        limit: int = 5,
        lifetime: float | None = None,
        calls: int | None = None,
        rotate_after: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._users = dict(users)
        self._limit = limit
        self._lifetime = lifetime
        self._calls = calls
        self._rotate_after = rotate_after
        self._clock = clock
        self._by_id: dict[str, Session] = {}
        self._alive: dict[str, list[Session]] = {user: [] for user in users}
        self._led_away: set[str] = set()
        self.logins = 0
        self.evicted = 0

    def log_in(self, user: str, password: str, *, force: bool) -> Session:
        """Begin a session; with `force` the user's earliest session is ended where there are too many.

        Raises `WrongCredentials`, or `TooManySessions` without `force`.
        """
        known = self._users.get(user)
        if known is None or not secrets.compare_digest(known.encode(), password.encode()):
            raise WrongCredentials
        alive = self._alive[user]
        for session in [each for each in alive if self._is_over(each)]:
            self.end(session)
        if len(alive) >= self._limit:
            if not force:
                raise TooManySessions
            self.evicted += 1
            self.end(alive[0])
        return self._begin(user)

    def _begin(self, user: str) -> Session:
        self.logins += 1
        session = Session(self.logins, user, _new_id(), self._clock())
        self._by_id[session.id] = session
        self._alive[user].append(session)
        return session

    def use(self, session_id: str | None) -> Session | None:
        """Count a call in the session with that id and return the session; None if there is none, or it is over."""
        session = self._by_id.get(session_id or "")
        if session is None:
            return None
        if self._is_over(session):
            self.end(session)
            return None
        session.calls += 1
        if self._rotate_after is not None and session.calls % self._rotate_after == 0:
            self._rotate(session)
        return session

    def _is_over(self, session: Session) -> bool:
        outlived = self._lifetime is not None and self._clock() - session.born >= self._lifetime
        return outlived or (self._calls is not None and session.calls >= self._calls)

    def _rotate(self, session: Session) -> None:
        if session.former_id is not None:
            del self._by_id[session.former_id]
        session.former_id, session.id = session.id, _new_id()
        self._by_id[session.id] = session

    def is_led_away(self, session_id: str | None) -> bool:
        """Whether the session is over and its further calls are redirected to a login page instead of being refused."""
        return session_id in self._led_away

    def end(self, session: Session, *, led_away: bool = False) -> None:
        """End the session: none of its ids is good any more. Ending it twice is harmless."""
        if led_away:
            self._led_away.add(session.id)
        self._by_id.pop(session.id, None)
        self._by_id.pop(session.former_id or "", None)
        if session in self._alive[session.user]:
            self._alive[session.user].remove(session)

    def expire(self, user: str | None = None) -> int:
        """End all sessions, or those of one user; return how many there were."""
        ending = [session for name, alive in self._alive.items() if user in {None, name} for session in alive]
        for session in ending:
            self.end(session)
        return len(ending)

    def __len__(self) -> int:
        return sum(map(len, self._alive.values()))


def _new_id() -> str:
    return str(uuid.uuid4()).upper()
