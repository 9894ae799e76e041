"""Replays and doubts in a real browser: whatever is pressed twice, reloaded or open in two tabs happens once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from browsing import looks_right, visiting
from judging import NOT_LOOKED_AT, STRUCTURED, identity, requested
from patience import until

from worker.console import serve
from worker.settings import sources as configuration

pytestmark = pytest.mark.asyncio(loop_scope="session")
RIGHTS = "replay,payload,accept_duplicates,resolve"
REJECTED = ["order-0", "order-1", "order-2", "order-9"]
FAULTS = [
    *({"kind": "status", "status": 400, "match": {"identity": identity(each)}} for each in REJECTED),
    {"kind": "reply_lost", "match": {"identity": identity("order-lost")}},
]


class Scene:
    """A worker that has rejected three events and parked one as unknown; a console is opened by the test."""

    def __init__(self, world: Any, sandbox: Any, worker: Any) -> None:
        self.world, self.sandbox, self.worker = world, sandbox, worker

    def consoled(self):
        given = {"WORKER_CONSOLE__PORT": "0", "WORKER_CONSOLE__RIGHTS": RIGHTS}
        return serve.opened(configuration.load(environment={**self.world.environment, **given}))


@pytest_asyncio.fixture(loop_scope="session")
async def scene(worlds) -> AsyncIterator[Scene]:
    async with worlds() as world:
        await world.topics()
        world.hurry()
        sandbox = await world.sandbox(*FAULTS, identity_attribute=NOT_LOOKED_AT)
        await world.publish(*map(requested, [*REJECTED[:3], "order-lost"]), headers=STRUCTURED)
        worker = await world.start()
        await worker.until("record.finished", 4, outcome="failed")
        yield Scene(world, sandbox, worker)


async def test_a_replay(scene, browser):
    """A replay is planned, then run by a double click and a second tab: one run; Back keeps the list and its filter."""
    async with scene.consoled() as link:
        base = link.partition("/enter")[0]
        async with visiting(browser, base, link) as visit:
            page = visit.page
            await page.get_by_role("link", name="Dead letters").click()
            await page.get_by_role("link", name="rejected").first.click()
            await visit.reads("One by one")
            listed = page.url
            assert "cause=" in listed
            assert "upto=" in listed
            await page.get_by_role("button", name="Plan a replay").click()
            await visit.reads("3 would be replayed")
            await looks_right(visit, "plan", is_documented=True)
            planned = page.url
            assert scene.sandbox.ledger.created == 1
            scene.sandbox.faults.clear()
            other = await visit.context.new_page()
            await other.goto(planned)
            await asyncio.gather(
                page.get_by_role("button", name="Replay 3").dblclick(),
                other.get_by_role("button", name="Replay 3").click(),
            )
            await page.wait_for_url("**/runs/*")
            await other.wait_for_url("**/runs/*")
            assert page.url == other.url
            await page.locator('[data-n="state"]', has_text="done").wait_for()
            await page.reload()
            await visit.reads("succeeded: created")
            await looks_right(visit, "run", is_documented=True)
            await page.goto(planned)
            await page.get_by_text("It was run").wait_for()
            await page.goto(listed)
            assert page.url == listed
            await page.get_by_role("link", name="0@0").click()
            await visit.reads("What is known of it")
            await page.go_back()
            assert page.url == listed
    assert (scene.sandbox.ledger.created, scene.sandbox.ledger.duplicates) == (4, {})


async def test_a_list_that_is_read(scene, browser):
    """A list on the screen stays as it is when a letter comes: it says "1 newer" and shows it on request."""
    async with scene.consoled() as link:
        base = link.partition("/enter")[0]
        async with visiting(browser, base, link) as visit:
            await visit.open("/letters?reason=rejected")
            rows = visit.page.locator("table").last.locator("tbody tr")
            assert await rows.count() == 3
            await scene.world.publish(requested("order-9"), headers=STRUCTURED)
            await visit.page.locator('[data-n="newer"]', has_text="1 newer").wait_for()
            assert await rows.count() == 3
            await visit.page.get_by_role("link", name="show the newest").click()
            await visit.page.locator('[data-n="newer"]', has_text="none newer").wait_for()
            assert await rows.count() == 4


async def test_a_doubt(scene, browser):
    """A doubt is resolved on its page with a customer id; it ends as confirmed, and its page offers nothing more."""
    async with scene.consoled() as link:
        base = link.partition("/enter")[0]
        async with visiting(browser, base, link) as visit:
            page = visit.page
            await page.get_by_role("link", name="Doubts").click()
            await page.locator("strong", has_text="open").wait_for()
            await page.locator("tbody a").first.click()
            await visit.reads("This doubt")
            await looks_right(visit, "doubt")
            letter = page.url
            await page.get_by_label("Customer id in the CRM").fill("2801")
            await page.get_by_role("button", name="Resolve it").click()
            await visit.reads("succeeded: confirmed")
            await page.goto(letter)
            await visit.reads("Nothing is to be done")
            assert await page.get_by_role("button", name="Send it all the same").count() == 0
    await until(lambda: bool(scene.worker.of("record.finished", customer_id="2801")))
    assert scene.sandbox.ledger.created == 1
