"""The one token of a process: how long it is kept, who asks for the next, and what is told when there is none."""

import asyncio
from dataclasses import dataclass, field

import pytest
import structlog
import trustme
from fakes import Clock
from structlog.testing import capture_logs

from worker.kafka.login import NoToken, Token, TokenRefused, Tokens, lasting
from worker.kafka.login import tokens as tokens_module
from worker.model.errors import KafkaUnavailable, SettingsError
from worker.settings.kafka import Kafka
from worker.wiring.login import tokens as of_settings

REFUSED = NoToken("no token from https://login: 401 invalid_client")


@dataclass
class Giver:
    """Gives T1, T2 ..., each for so long, except while it has a `failure`."""

    lasts: float | None = 100.0
    failure: Exception | None = None
    asked: int = 0
    origin: str = "https://login"
    settings: str = "WORKER_KAFKA__OAUTH_CLIENT_ID"

    async def token(self) -> Token:
        self.asked += 1
        await asyncio.sleep(0)
        if self.failure:
            raise self.failure
        return Token(f"T{self.asked}", self.lasts)


@dataclass
class Told:
    """What an operator is told."""

    now: str | None = None
    seen: list[str] = field(default_factory=list)

    def begin(self, detail: str) -> None:
        self.now = detail
        self.seen.append(detail)

    def end(self) -> None:
        self.now = None


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_many_who_want_one(clock):
    """One is asked for, and all have it."""
    giver = Giver()
    tokens = Tokens(giver, clock)
    assert await asyncio.gather(*[tokens.token() for _ in range(9)]) == ["T1"] * 9
    assert giver.asked == 1


async def test_somebody_who_gives_up(clock):
    """Takes nothing from the others."""
    giver = Giver()
    tokens = Tokens(giver, clock)
    first, second = (asyncio.create_task(tokens.token()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "T1"
    assert giver.asked == 1


async def test_before_it_ends(clock):
    """The next is asked for in the last third of its life."""
    tokens = Tokens(Giver(), clock)
    seen = []
    for clock.now in (0, 69, 71, 140, 142):
        seen.append(await tokens.token())
    assert seen == ["T1", "T1", "T2", "T2", "T3"]


async def test_one_whose_life_nobody_knows(clock):
    """As it stands in a file: asked for at each login."""
    tokens = Tokens(Giver(lasts=None), clock)
    assert [await tokens.token() for _ in range(3)] == ["T1", "T2", "T3"]


@pytest.mark.parametrize("lasts", [0.0, -5.0])
async def test_one_that_is_said_to_have_ended_already(clock, lasts):
    """It is used at once, as one whose life nobody knows: the brokers judge it, and no clock of ours."""
    giver = Giver(lasts=lasts)
    tokens = Tokens(giver, clock)
    assert [await tokens.token(), await tokens.token()] == ["T1", "T2"]
    assert await tokens.tried() == "from https://login"


@pytest.mark.parametrize("failure", [SettingsError("WORKER_X"), ValueError("s3cret"), RuntimeError()])
async def test_a_source_that_fails_in_its_own_way(clock, failure):
    """Who asks hears of no token, in one line that quotes nothing; the task of a login is not ended by it unheard."""
    tokens = Tokens(Giver(failure=failure), clock)
    with pytest.raises(NoToken) as raised:
        await tokens.token()
    why = f"no token from https://login: {type(failure).__name__} (WORKER_KAFKA__OAUTH_CLIENT_ID)"
    assert raised.value.args == (why,)


async def test_a_ca_file_that_is_gone_when_the_next_token_is_asked_for(tmp_path):
    """It was read at the start: there a wrong one is told, and later it is not missed."""
    file = tmp_path / "ca.pem"
    kafka = Kafka(
        security_protocol="SASL_SSL",
        sasl_mechanism="OAUTHBEARER",
        oauth_token_url="https://127.0.0.1:1/token",
        oauth_client_id="worker",
        oauth_client_secret="s3cret",
        oauth_ca_file=file,
    )
    with pytest.raises(SettingsError, match="WORKER_KAFKA__OAUTH_CA_FILE"):
        of_settings(kafka)
    trustme.CA().cert_pem.write_to_path(file)
    tokens = of_settings(kafka)
    file.unlink()
    assert tokens
    with pytest.raises(NoToken, match="no answer"):
        await tokens.token()


async def test_a_renewal_that_fails(clock, monkeypatch):
    """The one at hand is good for most of its life, and a log line tells; then there is none, and that is a hold."""
    giver, outage = Giver(), Told()
    tokens = Tokens(giver, clock)
    tokens.outage = outage
    await tokens.token()
    giver.failure = REFUSED
    clock.now = 89
    # Another test may have configured the logs.
    monkeypatch.setattr(tokens_module, "log", structlog.get_logger())
    with capture_logs() as lines:
        assert await tokens.token() == "T1"
    assert outage.now is None
    assert [line["event"] for line in lines] == ["token.renewal_failed"]
    clock.now = 91
    with pytest.raises(NoToken, match="invalid_client"):
        await tokens.token()
    assert outage.now == "no token from https://login: 401 invalid_client"


async def test_after_a_failure(clock):
    """Nobody is asked again at once, however often a client tries; the pauses grow, and one success ends them."""
    giver = Giver(failure=REFUSED)
    tokens = Tokens(giver, clock)
    asked: list[tuple[float, int]] = []
    for _ in range(400):
        with pytest.raises(NoToken):
            await tokens.token()
        if not asked or giver.asked != asked[-1][1]:
            asked.append((clock.now, giver.asked))
        clock.now += 0.25
    assert [at for at, _ in asked] == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 61.5, 91.5]
    giver.failure = None
    clock.now += 30
    assert await tokens.token() == f"T{giver.asked}"
    tokens.accepted()
    giver.failure = REFUSED
    clock.now += 101
    with pytest.raises(NoToken):
        await tokens.token()
    before, clock.now = giver.asked, clock.now + 0.5
    with pytest.raises(NoToken):
        await tokens.token()
    assert giver.asked == before + 1


async def test_one_that_the_brokers_refuse(clock):
    """It is a hold that names why and the settings; another one is asked for, after a pause; taken, the hold ends."""
    giver, outage = Giver(), Told()
    tokens = Tokens(giver, clock)
    tokens.outage = outage
    await tokens.token()
    error = tokens.refused("invalid_token")
    assert outage.now == str(error.args[0])
    assert outage.now == "the brokers refused the token: invalid_token (WORKER_KAFKA__OAUTH_CLIENT_ID)"
    with pytest.raises(TokenRefused):
        await tokens.token()
    clock.now = 1
    assert await tokens.token() == "T2"
    assert outage.now is not None
    tokens.accepted()
    assert outage.now is None


async def test_what_a_person_is_told(clock):
    """Where it comes from and how long it lasts, or why there is none; never the token."""
    assert await Tokens(Giver(), clock).tried() == "from https://login, for 100 s"
    assert await Tokens(Giver(lasts=None), clock).tried() == "from https://login"
    with pytest.raises(KafkaUnavailable, match=r"^no token from https://login: 401 invalid_client$"):
        await Tokens(Giver(failure=REFUSED), clock).tried()
    assert "T1" not in repr(Token("T1"))


def test_a_login_is_renewed_with_another_token():
    """One that lasts as long as its token would be over with it otherwise."""
    assert tokens_module.FRESH < lasting.EARLY[0] < lasting.EARLY[1] <= tokens_module.GOOD < 1
