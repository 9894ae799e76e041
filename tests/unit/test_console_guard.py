"""Who may ask the console what, decided before anything else is done."""

from ipaddress import ip_network
from urllib.parse import urlsplit

import pytest
from fakes import Clock
from pydantic import ValidationError

from worker.console.serve import LOOPBACK, _link, guarded, is_loopback, opened
from worker.console.web.answers import Barred, NotEntered
from worker.console.web.entering import is_ours
from worker.console.web.guard import LASTS, Guard, Head, Proxy, Token, split
from worker.console.web.rights import STRANGER, Right
from worker.model.errors import SettingsError
from worker.settings import sources as configuration
from worker.settings.console import ConsoleGroup

ALL = frozenset({Right.ENTER, Right.VIEW})
HERE = "127.0.0.1:8081"


@pytest.fixture
def clock():
    return Clock(1_000_000.0)


@pytest.fixture
def token(clock):
    return Token("secret-of-sixteen", clock)


@pytest.fixture
def guard(token):
    return Guard(LOOPBACK | {"console.example.com:443", "ops.example.com"}, token, ALL)


def head(token, method="GET", host=HERE, **given):
    return Head(method, host, **{"cookie": token.cookie(), **given})


@pytest.mark.parametrize(
    "host", ["127.0.0.1", HERE, "LOCALHOST:1", "[::1]:8081", "[::1]", "ops.example.com", "console.example.com:443"]
)
def test_a_name_of_ours(guard, token, host):
    """With whatever port where none is listed."""
    assert guard.admit(head(token, host=host), Right.VIEW).name == "holder of the token"


@pytest.mark.parametrize(
    "host",
    [
        *("", "evil.example.com", "127.0.0.1.evil.example.com", "console.example.com", "console.example.com:8443"),
        *("localhost.", "127.0.0.1:", ":8081", "[::1", "::1", "a@localhost", "localhost:x"),
    ],
)
def test_a_name_that_is_not_ours(guard, token, host):
    """A name that was made to lead here is told which setting lists ours."""
    with pytest.raises(Barred, match="ALLOWED_HOSTS"):
        guard.admit(head(token, host=host), Right.ENTER)


@pytest.mark.parametrize(
    ("site", "origin"),
    [("same-origin", None), ("same-origin", "null"), (None, f"http://{HERE}"), (None, "https://console.example.com")],
)
def test_a_form_of_our_own(guard, token, site, origin):
    """By what the browser says of the page, or by the page's origin where it says nothing."""
    host = "console.example.com:443" if origin == "https://console.example.com" else HERE
    assert guard.admit(head(token, "POST", host, site=site, origin=origin), Right.VIEW)


@pytest.mark.parametrize(
    ("site", "origin"),
    [
        (None, None),
        (None, "null"),
        (None, ""),
        (None, "http://localhost:3000"),
        (None, "http://127.0.0.1"),
        (None, "http://localhost:8081"),
        (None, "http://evil.example.com"),
        (None, "http://ops.example.com"),
        (None, "file://"),
        (None, "ftp://127.0.0.1:8081"),
        (None, f"http://evil@{HERE}"),
        ("cross-site", f"http://{HERE}"),
        ("same-site", f"http://{HERE}"),
        ("none", f"http://{HERE}"),
        ("", f"http://{HERE}"),
    ],
)
def test_a_form_of_somebody_else(guard, token, site, origin):
    """Another port of this machine, a page without an origin, and whoever says nothing: all are somebody else."""
    with pytest.raises(Barred, match="own pages"):
        guard.admit(head(token, "POST", site=site, origin=origin), Right.VIEW)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "X"])
def test_every_method_that_could_change_something(guard, token, method):
    """Takes an origin, whether there is an address for it or not."""
    with pytest.raises(Barred):
        guard.admit(head(token, method), Right.ENTER)


def test_a_right_that_is_not_given(guard, token):
    """Names the setting."""
    with pytest.raises(Barred, match="replay, which WORKER_CONSOLE__RIGHTS"):
        guard.admit(head(token, "POST", site="same-origin"), Right.REPLAY)


@pytest.mark.parametrize(
    "cookie", [None, "", ".", "1.x", "99999999999.", "99999999999999.00", "x.y", "1000000\u0662.0"]
)
def test_no_cookie_of_ours(guard, token, cookie):
    """Nobody can make one, and nothing in one breaks anything."""
    with pytest.raises(NotEntered):
        guard.admit(head(token, cookie=cookie), Right.VIEW)


def test_a_cookie_that_is_old(guard, token, clock):
    """It lasts for half a day, and a later date is another cookie."""
    cookie = token.cookie()
    clock.now += LASTS
    assert guard.admit(head(token, cookie=cookie), Right.VIEW)
    clock.now += 1
    with pytest.raises(NotEntered, match="twelve hours"):
        guard.admit(head(token, cookie=cookie), Right.VIEW)
    with pytest.raises(NotEntered):
        guard.admit(head(token, cookie=f"{int(clock.now) + 9}{cookie[cookie.index('.') :]}"), Right.VIEW)


def test_a_cookie_tells_nothing_of_the_token(token):
    """Nor does the token in a log or an error."""
    assert token.secret not in token.cookie()
    assert token.secret not in repr(token)


def test_another_token(guard, token):
    """After a start with another one everybody has to show it."""
    with pytest.raises(NotEntered):
        guard.admit(head(token, cookie=Token("another-of-sixteen", token.clock).cookie()), Right.VIEW)


@pytest.mark.parametrize("peer", ["10.1.2.3", "::ffff:10.1.2.3", "fd00::1"])
def test_a_proxy_that_is_trusted(peer):
    """Its header names who asks, shortened where it is endless, without what no page can show."""
    guard = Guard(LOOPBACK, Proxy("X-User", (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))), ALL)
    assert guard.admit(Head("GET", HERE, peer=peer, user=" ada "), Right.VIEW).name == "ada"
    assert len(guard.admit(Head("GET", HERE, peer=peer, user="a" * 999), Right.VIEW).name) == 200
    assert (
        guard.admit(Head("GET", HERE, peer=peer, user="a\udcff\u202e\nb"), Right.VIEW).name == "a" + "\ufffd" * 3 + "b"
    )


@pytest.mark.parametrize("peer", ["11.1.2.3", "127.0.0.1", None, "", "10.1.2.3.4", "unix"])
def test_whoever_else_brings_that_header(peer):
    """Is told nothing."""
    guard = Guard(LOOPBACK, Proxy("X-User", (ip_network("10.0.0.0/8"),)), ALL)
    with pytest.raises(Barred, match="TRUSTED_PROXIES"):
        guard.admit(Head("GET", HERE, peer=peer, user="ada"), Right.VIEW)


@pytest.mark.parametrize("user", [None, "", " "])
def test_a_proxy_that_names_nobody(user):
    """Nobody is let in, cookie or not."""
    guard = Guard(LOOPBACK, Proxy("X-User", (ip_network("10.0.0.0/8"),)), ALL)
    with pytest.raises(NotEntered, match="X-User"):
        guard.admit(Head("GET", HERE, peer="10.0.0.1", user=user), Right.VIEW)


def test_the_defaults():
    """Loopback alone, a token that nobody knows yet, and nothing but reading."""
    given = ConsoleGroup()
    assert is_loopback(given.host)
    one, other = guarded(given), guarded(given)
    assert one.rights == {Right.ENTER, Right.VIEW}
    assert one.hosts == LOOPBACK
    assert isinstance(one.entry, Token)
    assert isinstance(other.entry, Token)
    assert one.entry.secret != other.entry.secret
    assert len(one.entry.secret) >= 32


@pytest.mark.parametrize("right", [each for each in Right if each not in {Right.ENTER, Right.VIEW}])
def test_a_right_has_to_be_given(right):
    """Each by its own name, and no other comes with it."""
    assert right not in guarded(ConsoleGroup()).rights
    assert guarded(ConsoleGroup.model_validate({"rights": right.value})).rights == {Right.ENTER, Right.VIEW, right}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.com", ""])  # noqa: S104  it is refused
@pytest.mark.parametrize(
    ("given", "lacks"),
    [
        ({}, "TOKEN"),
        ({"allowed_hosts": "a.example.com"}, "TOKEN"),
        ({"token": "t" * 16}, "ALLOWED_HOSTS"),
        ({"proxy_user_header": "X-User", "trusted_proxies": "10.0.0.0/8"}, "ALLOWED_HOSTS"),
    ],
)
def test_beyond_loopback(host, given, lacks):
    """It does not listen for everybody unless it is known who they are and by which name they call it."""
    with pytest.raises(SettingsError, match=f"WORKER_CONSOLE__.*{lacks}"):
        guarded(ConsoleGroup.model_validate({"host": host, **given}))


@pytest.mark.parametrize(
    ("given", "authority"),
    [
        ({}, "127.0.0.1:8081"),
        ({"host": "localhost"}, "localhost:8081"),
        ({"host": "127.0.0.2"}, "127.0.0.2:8081"),
        ({"host": "::1"}, "[::1]:8081"),
        ({"host": "0:0:0:0:0:0:0:1"}, "[::1]:8081"),
        ({"host": "10.0.0.1", "token": "t" * 16, "allowed_hosts": "ops.example.com"}, "ops.example.com:8081"),
        ({"host": "fd00::1", "token": "t" * 16, "allowed_hosts": "[fd00::1]:8081"}, "[fd00::1]:8081"),
    ],
)
def test_the_printed_link(given, authority):
    """Whoever opens it calls the console by a name of its own."""
    group = ConsoleGroup.model_validate(given)
    guard = guarded(group)
    assert urlsplit(_link(group, guard, 8081)).netloc == authority
    assert guard.admit(Head("GET", authority), Right.ENTER) is STRANGER


@pytest.mark.parametrize("spaces", ["{} ", " {}", "\u3000{}\u3000"])
def test_a_token_between_spaces(spaces):
    """It is the same token: a person who shows it may copy them or not."""
    group = ConsoleGroup.model_validate({"token": spaces.format("t" * 16)})
    assert guarded(group).entry == Token("t" * 16)
    with pytest.raises(ValidationError, match="fewer than 16"):
        ConsoleGroup.model_validate({"token": spaces.format("t" * 15)})


@pytest.mark.parametrize("level", ["warning", "error"])
async def test_a_log_that_does_not_say_who_opens_payloads(level):
    """Is refused before anything is opened: that it is logged is what the page says."""
    given = {"WORKER_CONSOLE__RIGHTS": "payload", "WORKER_LOG__LEVEL": level}
    with pytest.raises(SettingsError, match="WORKER_LOG__LEVEL"):
        await opened(configuration.load(environment=given)).__aenter__()


@pytest.mark.parametrize("address", ["/", "/letters?reason=rejected", "/letters/3@17"])
def test_where_somebody_goes_on(address):
    """After they were let in, to the page that they had asked for."""
    assert is_ours(address)


@pytest.mark.parametrize(
    "address", ["", "//evil", "https://evil", "/\\evil", "\\\\evil", "javascript:x", "/\n/evil", "/é"]
)
def test_where_nobody_is_sent(address):
    """An address that leads, or in some browser might lead, away from the console."""
    assert not is_ours(address)


@pytest.mark.parametrize(
    ("authority", "parts"),
    [
        ("A.b:1", ("a.b", "1")),
        ("a", ("a", None)),
        ("[::1]:80", ("[::1]", "80")),
        ("[::1]", ("[::1]", None)),
        ("::1", ("::1", None)),
        ("a:x", ("a:x", None)),
    ],
)
def test_names_and_ports(authority, parts):
    """An address in brackets has colons of its own."""
    assert split(authority) == parts
