"""Dead letters in the console, on a real Kafka without a worker: listed, shown, planned and replayed."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from console_visitor import Shown, Visitor, consoled, visiting
from letters_on_kafka import LetterTopics
from mortal import mortal
from patience import PATIENCE

from worker.console.index import index as indexing
from worker.console.web.guard import Token
from worker.console.web.rights import Right
from worker.counting import counted
from worker.kafka import admin
from worker.kafka.picked import picked
from worker.kafka.places import bounds
from worker.kafka.reader import UNCOMMITTED
from worker.model.outcomes import ReasonCode
from worker.tools.dead_letters.filters import Filter
from worker.tools.dead_letters.replay_letters import Asked, replay
from worker.tools.reading.place import Place

SOME = 120
SECRET = "jack.o'lantern@example.com"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u202e\x1b[31m"


@pytest.fixture
async def topics(kafka, unique):
    made = LetterTopics(kafka, unique)
    await made.create()
    return made


async def until(visitor: Visitor, address: str, condition: Callable[[Shown], bool]) -> Shown:
    """Open the page until the condition holds, and return it."""
    async with asyncio.timeout(PATIENCE):
        while not condition(shown := await visitor.open(address)):
            await asyncio.sleep(0.05)
    return shown


async def listed(visitor: Visitor, count: int) -> Shown:
    """The page of dead letters once all are read."""
    return await until(
        visitor, "/letters", lambda shown: f"{count} of {counted(count, 'dead letter')} read" in shown.plain
    )


def rows(shown: Shown) -> list[str]:
    """The places of the letters that a page lists."""
    return [link.removeprefix("/letters/") for link in shown.links() if "@" in link]


async def planned(visitor: Visitor, shown: Shown, **fields: str) -> Shown:
    """A plan that is judged; planned again while a transaction of a killed run is still open."""
    plan = await visitor.send(shown.form("Plan a replay"), **fields)
    ended = ("would be replayed", "a transaction is open")
    page = await until(visitor, plan.address, lambda page: any(each in page.plain for each in ended))
    return page if ended[0] in page.plain else await planned(visitor, shown, **fields)


async def waiting(visitor: Visitor, address: str, said: str) -> Shown:
    """The page of a run that has published all, has that text, and waits for the worker."""
    return await until(visitor, address, lambda page: said in page.plain and "Stop waiting" in page.plain)


async def ended(visitor: Visitor, address: str) -> Shown:
    going_on = ("under way", "waiting for the worker")
    return await until(visitor, address, lambda page: not any(each in page.plain for each in going_on))


def once(count: int) -> dict[Place, int]:
    return {Place(number % 2, number // 2): 1 for number in range(count)}


async def test_groups_and_rows(topics):
    """Letters are counted by cause and listed from the newest on; a listed page stays as it is when letters come."""
    await topics.fill(SOME)
    async with consoled(topics.settings) as visitor:
        shown = await listed(visitor, SOME)
        assert rows(shown)[:2] == ["1@59", "0@59"]
        assert len(rows(shown)) == 50
        older = next(link for link in shown.links() if "older=1" in link)
        second = await visitor.open(older)
        assert rows(second)[:1] == ["1@34"]
        await topics.batches(
            topics.plan.dead_letters, [topics.failed(SOME + each, ReasonCode.REFUSED)[1] for each in (0, 1)]
        )
        told = await until(visitor, shown.address, lambda page: "2 newer" in page.plain)
        assert rows(told) == rows(shown)
        numbers = orjson.loads((await visitor.open(shown.address, json=True)).text)["numbers"]
        assert numbers["newer"][0] == "2 newer"
        groups = (await visitor.open("/letters")).plain
        assert "rejected 400 120" in groups
        assert "refused 400 2" in groups
        only = await visitor.open("/letters?reason=refused")
        assert rows(only) == ["1@60", "0@60"]
        assert rows(await visitor.open(older)) == rows(second)


async def test_letters_by_their_places(topics):
    """Letters are read by their places, in the order of each partition; places without one are left out."""
    await topics.fill(800)
    wanted: dict[int, list[int]] = {0: [399, 1, 0, 350, 400, 9_999], 1: [3]}
    read = picked(topics.connection, topics.plan.dead_letters, wanted, lambda each: each.offset, isolation=UNCOMMITTED)
    assert await read == [0, 1, 350, 399, 3]


async def test_an_old_letter(topics, monkeypatch):
    """A letter that is not kept in memory is read from the topic."""
    monkeypatch.setattr(indexing, "RECENT", 3)
    await topics.fill(SOME)
    async with consoled(topics.settings) as visitor:
        await listed(visitor, SOME)
        shown = await visitor.open("/letters?event=e-4")
        assert rows(shown) == ["0@2"]
        assert "e-4" in shown.plain


async def test_what_others_wrote(topics):
    """Texts with markup and control characters are shown harmlessly; a payload is shown only on request."""
    told = HOSTILE.encode()
    ours = (
        ("worker-reason", b"rejected"),
        ("worker-event-id", told),
        ("worker-event-source", told),
        ("worker-error-code", told),
        ("worker-version", told),
        ("worker-first-seen", told),
        ("worker-violations", orjson.dumps([{"path": HOSTILE, "rule": HOSTILE, "allowed": [HOSTILE]}, "x", 1])),
        ("kafka_dlt-exception-message", told),
        ("kafka_dlt-original-topic", told),
    )
    foreign = (("kafka_dlt-original-topic", told), ("kafka_dlt-exception-fqcn", told))
    header = ((HOSTILE, SECRET.encode()),)
    await topics.publish(topics.plan.dead_letters, (SECRET.encode(), SECRET.encode(), (*header, *ours)))
    await topics.publish(topics.plan.dead_letters, (None, b"\xff\xfe", foreign))
    async with consoled(topics.settings) as visitor:
        pages = [await listed(visitor, 2), await visitor.open("/letters/0@0"), await visitor.open("/letters/0@1")]
        for shown in pages:
            assert shown.status == 200
            assert not any(sign in shown.text for sign in ("<script>alert", "<img", "\u202e", "\x1b", SECRET))
        payload = await visitor.send(pages[1].form("Show the payload"))
        assert SECRET in payload.plain
        assert "<script>alert" not in payload.text
        assert "0xfffe" in (await visitor.send(pages[2].form("Show the payload"))).plain
        assert SECRET not in payload.address
        assert (await visitor.open("/letters/0@0/payload")).status == 405


async def test_what_would_be_sent_today(topics):
    """What would be sent today is shown with its invisible characters written out."""
    value = orjson.dumps({"type": {"value": "individual"}, "contactPersons": [{"firstName": "a\u202eb"}]})
    ours = (
        ("worker-reason", b"rejected"),
        ("kafka_dlt-original-topic", topics.plan.requests.encode()),
        ("kafka_dlt-original-partition", bytes(4)),
        ("kafka_dlt-original-offset", bytes(8)),
    )
    await topics.publish(topics.plan.dead_letters, (b"k", value, ours))
    async with consoled(topics.settings) as visitor:
        await listed(visitor, 1)
        payload = await visitor.send((await visitor.open("/letters/0@0")).form("Show the payload"))
    assert "Would be sent today" in payload.plain
    assert "a\\u202eb" in payload.plain
    assert "\u202e" not in payload.text


async def test_who_may_only_look(topics):
    """With the right to look alone no form is offered, and each form's address answers 403."""
    await topics.fill(2, ReasonCode.OUTCOME_UNKNOWN)
    async with consoled(topics.settings) as visitor:
        everything = await listed(visitor, 2)
        doubt = await visitor.open("/letters/0@0")
    async with consoled(topics.settings, frozenset({Right.ENTER, Right.VIEW})) as visitor:
        for shown in (await listed(visitor, 2), await visitor.open("/letters/0@0"), await visitor.open("/doubts")):
            assert [form for form in shown.forms() if form.method == "post"] == []
        for form in (*everything.forms(), *doubt.forms()):
            if form.method == "post":
                assert (await visitor.send(form)).status == 403


async def test_a_replay(topics):
    """A plan publishes nothing; pressed five times, each letter is replayed once, marked with run and person."""
    await topics.fill(SOME)
    async with consoled(topics.settings) as visitor:
        shown = await listed(visitor, SOME)
        before = await bounds(topics.connection, topics.plan.requests, range(2))
        plan = await planned(visitor, shown)
        assert await bounds(topics.connection, topics.plan.requests, range(2)) == before
        assert f"{SOME} would be replayed" in plan.plain
        form = plan.form(f"Replay {SOME}")
        pressed = await asyncio.gather(*(visitor.send(form) for _ in range(4)))
        (address,) = {each.address for each in pressed}
        await waiting(visitor, address, f"has not ended {SOME} of them")
        assert (await visitor.send(form)).address == address
        assert await topics.replays() == once(SOME)
        await visitor.send((await visitor.open(address)).form("Stop waiting"))
        assert "stopped" in (await ended(visitor, address)).plain
        again = await planned(visitor, await visitor.open("/letters"))
        assert f"0 would be replayed None. {SOME} are left {SOME}: replayed already" in again.plain
        headers = dict((await topics.requests())[-1].headers)
        assert headers["worker-replay-by"] == b"holder of the token"
        assert headers["worker-replay-run"].decode() in address


async def test_two_plans_of_the_same_letters(topics):
    """Of two plans of the same letters the second replays nothing that the first has replayed."""
    await topics.fill(SOME)
    async with consoled(topics.settings) as visitor:
        shown = await listed(visitor, SOME)
        first, second = [await planned(visitor, shown), await planned(visitor, shown, limit="7")]
        assert "7 would be replayed" in second.plain
        run = await visitor.send(first.form(f"Replay {SOME}"), rate="200")
        busy = await visitor.send(second.form("Replay 7"))
        assert (busy.status, "another run is under way" in busy.plain) == (409, True)
        page = await waiting(visitor, run.address, f"has not ended {SOME} of them")
        await visitor.send(page.form("Stop waiting"))
        await ended(visitor, run.address)
        late = await ended(visitor, (await visitor.send(second.form("Replay 7"))).address)
        assert "replayed 0 left 7" in late.plain
        assert await topics.replays() == once(SOME)


async def test_a_run_that_is_stopped(topics):
    """A run is stopped after a batch: the next plan replays exactly the rest."""
    await topics.fill(SOME)
    async with consoled(topics.settings) as visitor:
        plan = await planned(visitor, await listed(visitor, SOME))
        run = await visitor.send(plan.form(f"Replay {SOME}"), rate="20")
        page = await until(visitor, run.address, lambda page: "1@0" in page.plain or "0@0" in page.plain)
        await visitor.send(page.form("Stop after this batch"))
        assert "not reached: the run was stopped" in (await ended(visitor, run.address)).plain
        done = await topics.replays()
        assert 0 < done.total() < SOME
        rest = await planned(visitor, await visitor.open("/letters"))
        assert f"{SOME - done.total()} would be replayed" in rest.plain


async def test_somebody_else_s_replay(topics, capsys):
    """A replay by the command takes a run over: the page says so, and each letter is replayed once."""
    await topics.fill(SOME)
    async with consoled(topics.settings) as visitor:
        plan = await planned(visitor, await listed(visitor, SOME))
        run = await visitor.send(plan.form(f"Replay {SOME}"), rate="20")
        await until(visitor, run.address, lambda page: "0@0" in page.plain or "1@0" in page.plain)
        async with asyncio.timeout(PATIENCE):
            assert await replay(topics.settings, Filter(), Asked(yes=True)) == 0
        assert "taken over" in (await ended(visitor, run.address)).plain
        assert await topics.replays() == once(SOME)


async def test_a_console_that_is_killed(topics, unused_tcp_port_factory):
    """A console is killed midway and started again: the plan is gone, and a new one replays exactly the rest."""
    await topics.fill(SOME)
    token = Token("token-of-a-console-that-is-killed")
    port = unused_tcp_port_factory()
    environment = topics.environment | {
        "WORKER_CONSOLE__TOKEN": token.secret,
        "WORKER_CONSOLE__PORT": str(port),
        "WORKER_CONSOLE__RIGHTS": "replay",
    }
    async with visiting(f"http://127.0.0.1:{port}/", f"customer-worker-{port}", token) as visitor:
        process = await console(environment)
        shown = await listed(visitor, SOME)
        plan = await planned(visitor, shown)
        run = await visitor.send(plan.form(f"Replay {SOME}"), rate="60")
        await until(visitor, run.address, lambda page: "0@0" in page.plain or "1@0" in page.plain)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        process = await console(environment)
        assert (await visitor.open(run.address)).status == 404
        forgotten = await visitor.open(plan.address)
        assert (forgotten.status, "nothing was replayed" in forgotten.plain.lower()) == (404, False)
        assert rows(await until(visitor, shown.address, lambda page: len(rows(page)) == 50)) == rows(shown)
        plan = await planned(visitor, await listed(visitor, SOME))
        assert "replayed already" in plan.plain
        done = (await topics.replays()).total()
        run = await visitor.send(plan.form(f"Replay {SOME - done}"))
        await waiting(visitor, run.address, f"has not ended {SOME - done} of them")
        process.terminate()
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
    assert await topics.replays() == once(SOME)


async def console(environment):
    """A console as its own process, once it listens."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WORKER_")}
    command = mortal(sys.executable, "-m", "worker", "console")
    process: Any = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, env={**inherited, **environment}
    )
    async with asyncio.timeout(PATIENCE):
        while b"console: http" not in await process.stdout.readline():
            pass
    return process


async def test_doubts(topics):
    """Doubts are in no plan; each is open until it is resolved, or sent by typing its id."""
    await topics.fill(3, ReasonCode.OUTCOME_UNKNOWN)
    async with consoled(topics.settings) as visitor:
        plan = await planned(visitor, await listed(visitor, 3))
        assert "0 would be replayed" in plan.plain
        assert "3: its customer may exist: settle it among the doubts, one by one" in plan.plain
        doubts = await until(visitor, "/doubts", lambda page: page.plain.count(" open ") == 3)
        assert set(rows(doubts)) == {"0@0", "1@0", "0@1"}
        letter = await visitor.open("/letters/0@0")
        assert (await visitor.send(letter.form("Send it all the same"), event="e-1")).status == 400
        assert await topics.replays() == {}
        sent = await visitor.send(letter.form("Send it all the same"), event="e-0")
        twice = await visitor.send(letter.form("Send it all the same"), event="e-0")
        assert twice.address == sent.address
        page = await waiting(visitor, sent.address, "has not ended 1 of them")
        await visitor.send(page.form("Stop waiting"))
        await ended(visitor, sent.address)
        letter = await visitor.open("/letters/1@0")
        assert (await visitor.send(letter.form("Resolve it"), customer_id="a b")).status == 400
        resolved = await visitor.send(letter.form("Resolve it"), customer_id="2801", customer_type="individual")
        page = await waiting(visitor, resolved.address, "told the worker as")
        await visitor.send(page.form("Stop waiting"))
        await ended(visitor, resolved.address)
        doubts = await until(visitor, "/doubts", lambda page: "resolved as 1@1" in page.plain)
        assert doubts.plain.count(" open ") == 1
        assert (
            "Nothing is to be done" in (await until(visitor, "/letters/1@0", lambda p: "resolved as" in p.plain)).plain
        )
    assert await topics.replays() == {Place(0, 0): 1}


async def test_a_topic_that_is_not_there(kafka, unique):
    """A missing topic is named; once it is made its letters are listed."""
    topics = LetterTopics(kafka, unique)
    async with consoled(topics.settings) as visitor:
        shown = await until(visitor, "/letters", lambda page: "does not exist" in page.plain)
        assert "WORKER_TOPICS__DEAD_LETTERS" in shown.plain
        assert (await visitor.open("/letters/0@0")).status == 503
        await topics.create()
        await topics.fill(2)
        assert rows(await listed(visitor, 2)) == ["1@0", "0@0"]


async def test_a_topic_that_is_made_anew(topics):
    """A topic is deleted and made again: its new letters are listed, and none of the old."""
    letters = topics.plan.dead_letters
    await topics.fill(SOME)
    async with consoled(topics.settings) as visitor:
        await listed(visitor, SOME)
        async with admin.opened(topics.connection) as client:
            await client.delete([letters])
            async with asyncio.timeout(PATIENCE):
                while (await client.cluster([letters])).topics:
                    await asyncio.sleep(0.05)
        await topics.create()
        for count in (2, 4):
            await topics.batches(letters, [topics.failed(number)[1] for number in range(2)])
            assert len(rows(await listed(visitor, count))) == count


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/letters?reason=x", 400),
        ("/letters?since=soon", 400),
        ("/letters?status=4xx", 400),
        ("/letters?cause=%3Cb%3E", 400),
        ("/letters/9@9", 404),
        ("/letters/x", 404),
        ("/letters/0@7", 503),
        ("/plans/none", 404),
        ("/runs/none", 404),
        ("/runs", 200),
    ],
)
async def test_addresses_that_lead_nowhere(topics, address, status):
    """Wrong addresses get a 4xx or 503."""
    async with consoled(topics.settings) as visitor:
        await listed(visitor, 0)
        assert (await visitor.open(address)).status == status
