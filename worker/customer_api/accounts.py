"""The API's users that this process may log in as: its own one, or the first of several that has room for a session."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

import orjson

from worker.model.errors import LoginRefused, SettingsError

PLATFORM = "http://bindings.egain.com/ws/model/v12/gen/platform"


@dataclass(frozen=True, slots=True)
class Credentials:
    """One user of the API."""

    username: str
    password: str

    def __repr__(self) -> str:
        return "Credentials(...)"

    def body(self, format_: str) -> bytes:
        """The login's body in that format.

        Its element is `userName`, whatever the page's table says (docs: api, login).
        """
        if format_ == "json":
            return orjson.dumps({"userName": self.username, "password": self.password})
        user, password = escape(self.username), escape(self.password)
        return f'<login xmlns="{PLATFORM}"><userName>{user}</userName><password>{password}</password></login>'.encode()


@dataclass(frozen=True, slots=True)
class Login:
    """One way to log in: as which account, and whether its oldest session is to be ended.

    Only `number` may be logged.
    """

    account: Credentials
    number: int
    force: bool


@dataclass(slots=True)
class Accounts:
    """`read` gives the accounts as they are now; the one at `at` is tried first.

    With several accounts each is tried without force: a session that a killed process has left takes up room in one of
    them only. Force is used last, when none has room.
    """

    read: Callable[[], Sequence[Credentials]]
    force: bool
    at: int = 0

    def logins(self) -> Iterator[Login]:
        """The logins in the order in which they are to be tried.

        Raises LoginRefused where no credentials can be read.
        """
        found = self._read()
        order = [(self.at + step) % len(found) for step in range(len(found))]
        if len(found) > 1:
            yield from (Login(found[number], number, force=False) for number in order)
        if len(found) == 1 or self.force:
            yield Login(found[order[0]], order[0], force=self.force)

    def taken(self, login: Login) -> None:
        """Note that the login succeeded: the next one begins with the same account."""
        self.at = login.number

    def ended(self) -> None:
        """Note that somebody else ended the session: that account has too many, so that the next one is tried first.

        Where none has room, force goes round the accounts in this way, until it meets the session that nobody uses.
        """
        self.at += 1

    def _read(self) -> Sequence[Credentials]:
        """The accounts, read anew at each login, so that a changed secret is picked up."""
        try:
            return self.read()
        except (OSError, SettingsError) as error:
            raise LoginRefused(f"the credentials cannot be read: {error}") from error
