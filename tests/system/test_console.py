"""The console in a real browser, with real workers, a real Kafka and the sandbox API."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
import pytest_asyncio
from aiohttp import web
from browsing import OURS, REBOUND, Visit, looks_right, visiting
from patience import PATIENCE, until
from playwright.async_api import Browser

from worker.console import pages, serve
from worker.console.now import standstill
from worker.sandbox.local_kafka import LocalKafka
from worker.settings import sources as configuration
from worker.tools.dead_letters.filters import PLACE
from worker.tools.dead_letters.shown import Shown
from worker.tools.life import reading

pytestmark = pytest.mark.asyncio(loop_scope="session")
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u202e{{7*7}}"
RIGHTS = "replay,payload,accept_duplicates,resolve"
STRUCTURED = (("content-type", b"application/cloudevents+json"),)
LOST = "lost@customer.example"


def person(name="Jack", **more):
    return {"type": {"value": "individual"}, "contactPersons": {"contactPerson": [{"firstName": name}]}, **more}


def event(id_, data, source="shop"):
    attributes = {"specversion": "1.0", "type": "customer.create.requested.v1", "source": source, "id": id_}
    return orjson.dumps({**attributes, "data": data})


@dataclass
class Scene:
    """What all tests of this module share: topics, workers, a console and the link to it."""

    world: Any
    browser: Browser
    link: str
    letters: dict[str, str]
    """The place of each event's dead letter."""

    @property
    def base(self) -> str:
        return self.link.partition("/enter")[0]

    def visit(self, **options) -> Any:
        return visiting(self.browser, self.base, self.link, **options)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(browser, worlds) -> AsyncIterator[Scene]:
    """Two workers and eight records: some created, some failed, one whose answer was lost and is unknown."""
    async with worlds() as world:
        await world.topics()
        await world.sandbox(
            {"kind": "reply_lost", "match": {"equals": {"firstName": "Lost"}}},
            {"kind": "status", "status": 400, "match": {"equals": {"firstName": "Unwanted"}}},
        )
        await world.publish(
            *(event(f"order-{number}", person()) for number in range(3)),
            event("order-lost", person("Lost")),
            event("order-unwanted", person("Unwanted")),
            event("order-long", person("Jack" * 99)),
            event(HOSTILE, person(HOSTILE * 9), source=HOSTILE),
            headers=STRUCTURED,
        )
        await world.publish(b"<broken", key=HOSTILE.encode(), headers=[(HOSTILE, HOSTILE.encode())], partition=1)
        workers = [await world.start() for _ in range(2)]
        await until(lambda: sum(len(each.of("record.finished")) for each in workers) >= 8)
        ports = [(await each.until("ops.started"))[0]["port"] for each in workers]
        async with consoled(world, *ports) as link:
            yield Scene(world, browser, link, await lettered(world))


async def lettered(world) -> dict[str, str]:
    failed = [each["data"] for each in await world.events(world.plan.failed)]
    return {each["request"]["id"]: "{partition}@{offset}".format(**each["deadLetter"]) for each in failed}


def consoled(world, *ports, **settings):
    """A console in this process that asks the workers at these ports."""
    workers = ",".join(f"127.0.0.1:{port}" for port in ports)
    given = {"WORKER_CONSOLE__PORT": "0", "WORKER_CONSOLE__RIGHTS": RIGHTS, "WORKER_CONSOLE__WORKERS": workers}
    return serve.opened(configuration.load(environment={**world.environment, **given, **settings}))


def unvisited(paths) -> set[str]:
    """The pages of the console that none of these addresses opens."""
    declared = {route.path for route in pages.ROUTES if route.method == "GET"}
    files = {"/style.css", "/fresh.js", "/icon.svg", "/livez"}
    return declared - files - {named(path) for path in paths}


def named(path: str) -> str:
    """The route that an address belongs to."""
    parts = path.partition("?")[0].split("/")
    if len(parts) > 2 and parts[1] == "letters" and PLACE.fullmatch(parts[2]):
        parts[2] = "{place}"
    elif len(parts) > 2:
        parts[2] = "{name}"
    return "/".join(parts)


async def test_every_page(scene):
    """Each page opens, has no fault that axe finds, and fits a narrow screen, in the light and the dark theme."""
    async with scene.visit() as visit:
        life = urlencode({"source": "shop", "id": "order-lost"})
        paths = {
            "now": "/",
            "letters": "/letters",
            "letter": f"/letters/{scene.letters['order-long']}",
            "doubts": "/doubts",
            "events": "/events",
            "event": f"/events?{life}",
            "verify": "/verify",
            "runs": "/runs",
        }
        for name, path in paths.items():
            assert await visit.open(path) == 200, path
            await settled(visit)
            await looks_right(visit, name, is_documented=True)
        assert unvisited(paths.values()) == {"/plans/{name}", "/runs/{name}"}


async def settled(visit: Visit) -> None:
    """Return once the page shows nothing as being looked up any more."""
    await visit.page.locator("[data-waiting]").first.wait_for(state="detached")


async def test_a_number_that_changes(scene):
    """A new record is published: the number changes in place, without the page being loaded again."""
    async with scene.visit() as visit:
        await visit.open("/")
        before = await visit.page.evaluate("performance.timeOrigin")
        await scene.world.publish(event("order-more", person()), headers=STRUCTURED)
        await visit.page.locator('[data-n="committed 0"]', has_text="8").wait_for()
        assert await visit.page.evaluate("performance.timeOrigin") == before
        assert await visit.page.locator("#changed").is_hidden()


async def test_the_whole_life_of_an_event(scene):
    """From the page of an event a link leads to its dead letter, and Back returns."""
    async with scene.visit() as visit:
        await visit.open("/events")
        await visit.page.get_by_label("Source").fill("shop")
        await visit.page.get_by_label("Id").fill("order-lost")
        await visit.page.keyboard.press("Enter")
        await visit.reads("Nobody knows whether its customer exists.")
        assert "about to be sent, attempt 1" in await visit.page.inner_text("main")
        await visit.page.get_by_role("link", name=scene.letters["order-lost"]).first.click()
        await visit.reads(f"Dead letter {scene.letters['order-lost']}")
        await visit.page.go_back()
        await visit.reads("Nobody knows whether its customer exists.")


async def test_going_back(scene):
    """Back from a letter shows the list as a page, not the JSON that its script fetched from the same address."""
    async with scene.visit() as visit:
        async with visit.page.expect_response(lambda answer: "json" in answer.headers.get("content-type", "")):
            await visit.open("/letters")
        await visit.page.get_by_role("link", name=scene.letters["order-long"]).first.click()
        await visit.reads("What is known of it")
        await visit.page.go_back()
        await visit.reads("One by one")


async def test_what_somebody_types(scene, monkeypatch):
    """Text in a form is kept when new content comes: the page offers that, and shows it once the form is empty."""
    known = asyncio.Event()

    async def journal(*_):
        await known.wait()
        return "knows nothing of it"

    monkeypatch.setattr(Shown, "journal", journal)
    async with consoled(scene.world, 1) as link, visiting(scene.browser, link.partition("/enter")[0], link) as visit:
        await visit.open(f"/letters/{scene.letters['order-lost']}")
        typed = visit.page.get_by_label("Customer id in the CRM")
        await typed.fill("2801")
        known.set()
        await visit.page.locator("#changed").wait_for()
        assert await typed.input_value() == "2801"
        await typed.fill("")
        await visit.reads("knows nothing of it")


async def test_a_search_that_is_given_up(scene, monkeypatch):
    """A search that stops early says how far it looked, since what it did not find may still be there."""
    monkeypatch.setattr(reading, "MOST", 0)
    async with scene.visit() as visit:
        await visit.open("/events?source=shop&id=order-unwanted")
        await visit.reads("The search for its results ended before the end of")


async def test_a_verification(scene):
    """A verification that one visitor starts is shown to the next one as well."""
    async with scene.visit() as visit:
        await visit.open("/verify")
        await visit.page.get_by_role("button", name="Verify now").click()
        await visit.reads("It holds: every committed request ended once.")
        await visit.page.reload()
        await visit.reads("It holds: every committed request ended once.")


async def test_hostile_texts(scene):
    """Ids, keys and headers with markup are shown as text on every page: no script runs, nothing is loaded."""
    async with scene.visit() as visit:
        hostile = urlencode({"source": HOSTILE, "id": HOSTILE})
        letters = [f"/letters/{place}" for place in scene.letters.values()]
        for path in ("/letters", *letters, f"/events?{hostile}", f"/letters?{urlencode({'event': HOSTILE})}"):
            await visit.open(path)
            await settled(visit)
            assert await visit.page.locator("main script, main img").count() == 0
        await visit.open(f"/events?{hostile}")
        await settled(visit)
        assert await visit.page.get_by_label("Id").input_value() == HOSTILE
        await visit.open(f"/enter?token={HOSTILE}")
        await visit.open(f"/{HOSTILE}")


async def test_without_scripts(scene):
    """With JavaScript off everything can be read and done; only the numbers do not refresh by themselves."""
    async with scene.visit(java_script_enabled=False) as visit:
        await visit.open("/letters?reason=rejected")
        await visit.reads(scene.letters["order-unwanted"])
        await visit.open("/verify")
        await visit.page.get_by_role("button", name="Verify now").click()
        async with asyncio.timeout(PATIENCE):
            while "It holds" not in await visit.page.inner_text("main"):
                await visit.page.reload()


async def test_by_keyboard_alone(scene):
    """With the keyboard alone: the first stop skips the navigation, the focus is visible, each page can be opened."""
    async with scene.visit() as visit:
        await visit.open("/")
        await visit.page.keyboard.press("Tab")
        assert await visit.page.evaluate("document.activeElement.textContent") == "To the content"
        await visit.page.keyboard.press("Enter")
        assert await visit.page.evaluate("document.activeElement.id") == "main"
        await visit.open("/")
        for _ in range(3):
            await visit.page.keyboard.press("Tab")
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        assert await visit.page.evaluate(outline) == "solid"
        await visit.page.keyboard.press("Enter")
        await visit.reads("Dead letters")
        assert visit.page.url.startswith(f"{scene.base}/letters")


async def test_the_ways_in(scene):
    """Without the token nothing is shown; with it the page asked for opens, also by a link from another site."""
    async with visiting(scene.browser, scene.base) as visit:
        letter = scene.letters["order-unwanted"]
        assert await visit.open(f"/letters/{letter}") == 401
        await looks_right(visit, "enter", is_documented=True)
        await visit.page.get_by_label("Token").fill(scene.link.partition("=")[2])
        await visit.page.get_by_role("button", name="Enter").click()
        await visit.reads(f"Dead letter {letter}")
        assert (
            await visit.page.evaluate("document.cookie + JSON.stringify({...localStorage, ...sessionStorage})") == "{}"
        )
        assert await visit.open("/nothing") == 404
        await looks_right(visit, "missing")
    async with elsewhere(f'<a href="{scene.base}/letters/{letter}">look</a>') as (other, _), scene.visit() as visit:
        await visit.page.goto(other)
        await visit.page.get_by_text("look").click()
        await visit.reads(f"Dead letter {letter}")
        visit.complaints.clear()


async def test_a_form_of_another_site(scene):
    """A form that another site, or another port of this machine, sends to the console is refused."""
    form = f'<form method="post" action="{scene.base}/verify"><button>go</button></form>'
    async with elsewhere(form) as (other, local), scene.visit() as visit:
        for address in (other, local):
            await visit.page.goto(address)
            async with visit.page.expect_navigation() as moved:
                await visit.page.get_by_text("go").click()
            assert (await (await moved.value).text()).count("Not allowed") == 2
        visit.complaints.clear()


async def test_a_frame_of_another_site(scene):
    """A frame on another site that asks for the console shows nothing of it."""
    async with elsewhere(f'<iframe src="{scene.base}/"></iframe>') as (_, local), scene.visit() as visit:
        await visit.page.goto(local)
        await visit.page.wait_for_load_state("networkidle")
        frame = visit.page.frames[1]
        assert "customer worker" not in await frame.content()
        visit.complaints.clear()


async def test_a_name_that_was_made_to_lead_here(scene):
    """A host name that is not allowed but resolves to this machine (DNS rebinding) gets 403, even with the token."""
    port = scene.base.rpartition(":")[2]
    async with visiting(scene.browser, f"http://{REBOUND}:{port}") as visit:
        assert await visit.open("/") == 403
        assert await visit.open(f"/enter?token={scene.link.partition('=')[2]}") == 403
        visit.complaints.clear()


async def test_a_name_without_tls(scene):
    """Over plain HTTP by an allowed name browsers send `Origin` alone, and the console accepts its own."""
    async with consoled(scene.world, WORKER_CONSOLE__ALLOWED_HOSTS=OURS) as link:
        address = link.replace("127.0.0.1", OURS)
        async with visiting(scene.browser, address.partition("/enter")[0], address) as visit:
            await visit.open("/verify")
            await visit.page.get_by_role("button", name="Verify now").click()
            await visit.reads("It holds")


@asynccontextmanager
async def elsewhere(body: str) -> AsyncIterator[tuple[str, str]]:
    """A page of another site, by its two addresses: (under another name, under the same name on another port)."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=f"<!doctype html><title>x</title>{body}", content_type="text/html")

    app = web.Application()
    app.add_routes([web.get("/", page)])
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        yield f"http://localhost:{port}/", f"http://127.0.0.1:{port}/"
    finally:
        await runner.cleanup()


async def test_behind_a_prefix(scene):
    """With a path prefix every link, form and file of every page begins with it."""
    async with consoled(scene.world, WORKER_CONSOLE__PREFIX="/crm/worker") as link:
        base = link.partition("/enter")[0]
        assert base.endswith("/crm/worker")
        async with visiting(scene.browser, base, link) as visit:
            for path in (
                "/",
                "/letters",
                f"/letters/{scene.letters['order-lost']}",
                "/doubts",
                "/events",
                "/verify",
                "/runs",
                "/nothing",
            ):
                await visit.open(path)
                addresses = (
                    "Array.from(document.querySelectorAll('[href],[src],[action]'), each => each.href ?? each.src)"
                )
                for address in await visit.page.evaluate(addresses):
                    assert str(address).startswith((base, "https:")) or not address, (path, address)


async def test_replicas_that_come_and_go(scene):
    """The list of replicas: one that dies, an older version, one that never answers, one of another group."""
    old = {"state": "running", "holds": [], "inFlight": 3, "queued": 0, "partitions": []}
    other = {**old, "group": "others", "instance": "elsewhere:1", "version": "9.9"}
    async with AsyncExitStack() as stack:
        added = await scene.world.start()
        port = (await added.until("ops.started"))[0]["port"]
        ports = [await stack.enter_async_context(pretending(each)) for each in (old, other, None)]
        link = await stack.enter_async_context(consoled(scene.world, port, *ports))
        visit = await stack.enter_async_context(visiting(scene.browser, link.partition("/enter")[0], link))
        await visit.reads("2 answer")
        rows = visit.page.locator("table").first.locator("tbody tr")
        text = "\n".join(await rows.all_inner_texts())
        assert text.count("not told") == 6
        assert "no answer within 2 s" in text
        assert "running (group others)" in text
        await added.stop(signal.SIGKILL)
        await visit.page.locator(f'[data-n="state 127.0.0.1:{port}"]', has_text="no connection").wait_for()


@asynccontextmanager
async def pretending(told: dict[str, Any] | None) -> AsyncIterator[int]:
    """The port of a fake worker that answers `/status` with `told`, or never answers where that is None."""

    async def status(_: web.Request) -> web.Response:
        if told is None:
            await asyncio.Event().wait()
        return web.json_response(told)

    app = web.Application()
    app.add_routes([web.get("/status", status)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def test_a_record_that_blocks(scene, monkeypatch):
    """A record that has stood for long is named with its partition, its offset and what it waits for."""
    monkeypatch.setattr(standstill, "STANDS", 1.0)
    first = {"offset": 7, "ageSeconds": 90, "reason": "post"}
    waits = {"state": "running", "boundBy": "api", "partitions": [{"partition": 0, "lag": 3, "blocking": first}]}
    async with (
        pretending(waits) as port,
        consoled(scene.world, port) as link,
        visiting(scene.browser, link.partition("/enter")[0], link) as visit,
    ):
        await visit.reads("its record waits for the API's answer (post)")


async def test_a_kafka_that_goes_and_comes_back(browser, world_on):
    """Kafka is frozen, killed and started again: the page says so, and is right again by itself."""
    async with LocalKafka() as kafka, world_on(kafka.bootstrap_servers, "away") as world:
        await world.topics()
        async with consoled(world, 1) as link, visiting(browser, link.partition("/enter")[0], link) as visit:
            await visit.reads("No worker is there: group away-group has no member.")
            await kafka.freeze()
            await visit.reads("what Kafka says is not known either")
            await kafka.kill()
            await visit.reads("what Kafka says is not known either")
            assert await visit.open("/letters/0@0") == 503
            await looks_right(visit, "away")
            await visit.open("/")
            await kafka.start()
            await visit.reads("No worker is there: group away-group has no member.")


async def test_nothing_yet(browser, worlds):
    """Every page of a console whose topics are empty says that there is nothing to list."""
    async with worlds() as world:
        await world.topics()
        async with consoled(world, 1) as link, visiting(browser, link.partition("/enter")[0], link) as visit:
            for name in ("/", "/letters", "/doubts", "/events?source=a&id=b", "/verify", "/runs"):
                await visit.open(name)
                await settled(visit)
                await looks_right(visit, f"empty-{name.strip('/').partition('?')[0] or 'now'}")
