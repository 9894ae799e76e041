"""The API's users that this process may log in as: its own, or the first of several that has room for a session."""

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
        """The login's body; its element is `userName`, whatever the page's table says (docs: api, login)."""
        if format_ == "json":
            return orjson.dumps({"userName": self.username, "password": self.password})
        user, password = escape(self.username), escape(self.password)
        return f'<login xmlns="{PLATFORM}"><userName>{user}</userName><password>{password}</password></login>'.encode()


@dataclass(frozen=True, slots=True)
class Login:
    """One way to log in: as which account, and whether its oldest session gives way; `number` may be told."""

    account: Credentials
    number: int
    force: bool


@dataclass(slots=True)
class Accounts:
    """`read` gives them as they are now; `at` is the one that is tried first.

    Of several, each is tried without force: a session that nobody uses any more, of a process that was killed, keeps
    its place in one of them only. Force comes last, where none has room.
    """

    read: Callable[[], Sequence[Credentials]]
    force: bool
    at: int = 0

    def logins(self) -> Iterator[Login]:
        """In the order in which they are to be tried. Raises LoginRefused where there is nothing to read."""
        found = self._read()
        order = [(self.at + step) % len(found) for step in range(len(found))]
        if len(found) > 1:
            yield from (Login(found[number], number, force=False) for number in order)
        if len(found) == 1 or self.force:
            yield Login(found[order[0]], order[0], force=self.force)

    def taken(self, login: Login) -> None:
        """It went well: the next one, too, begins there."""
        self.at = login.number

    def ended(self) -> None:
        """The session was ended by somebody else: that account has too many, so that the next one is tried first.

        Where none has room, force goes round the accounts by that, until it meets the session that nobody uses.
        """
        self.at += 1

    def _read(self) -> Sequence[Credentials]:
        """Anew at each login: a secret that was changed is picked up."""
        try:
            return self.read()
        except (OSError, SettingsError) as error:
            raise LoginRefused(f"the credentials cannot be read: {error}") from error
