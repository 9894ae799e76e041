"""What a day comes to: everything that the topics, the API's ledger and the worker's own `verify` say of it."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import nullcontext
from typing import Final

from aiokafka import ConsumerRecord
from bench.figures import Aim, Figure
from bench.soaking.books import DUPLICATE, LOST, Books, as_lines
from bench.soaking.curves import Sample, behind, growth, lives, over_lives
from bench.soaking.restarting import ROLLED
from bench.soaking.soak import Soak

from worker.events.results_read import read_result
from worker.kafka import admin
from worker.kafka.extent import extent
from worker.kafka.reader import UNCOMMITTED
from worker.settings.settings import Settings
from worker.tools.verification.scan import Asked
from worker.tools.verification.verify import verified

PART: Final = "soak"
NUMBER = re.compile(rb'"id":"n([0-9]+)"')
NONE, FLAT = Aim("<=", 0), Aim("<=", 20)
PATIENCE: Final = 60.0
"""Seconds that a record may wait beside the longest maintenance.

A worker that leaves while the broker is away cannot say so: the group waits for it until its session ends (45 s).
"""


async def read(soak: Soak) -> Books:
    """From the topics as they are now that nobody writes any more."""
    books, plan = Books(soak.ledger), soak.plan
    async for place in _read(soak, plan.requests):
        number = NUMBER.search(place.value or b"")
        assert number, "every request of the stream has its number"
        books.asked(place.partition, place.offset, int(number[1]))
    for topic in (plan.succeeded, plan.failed):
        async for place in _read(soak, topic):
            if (result := read_result(place.value)) is None:
                soak.problems.append(f"{topic} {place.partition}@{place.offset} is no result")
            else:
                books.ended(result)
    return books


async def _read(soak: Soak, topic: str) -> AsyncIterator[ConsumerRecord[bytes, bytes]]:
    async with extent(soak.connection, topic, range(soak.plan.partitions), isolation=UNCOMMITTED) as records:
        async for batch, _ in records.read_as(lambda raw: raw):
            for each in batch:
                yield each


async def letters(soak: Soak) -> int:
    """How many dead letters there are."""
    async with extent(
        soak.connection, soak.plan.dead_letters, range(soak.plan.partitions), isolation=UNCOMMITTED
    ) as found:
        return found.size


async def by_verify(soak: Soak) -> list[str]:
    """What `customer-worker verify` finds."""
    topics = {setting.rpartition("__")[2].lower(): name for setting, name in soak.plan.names()}
    kafka = {"bootstrap_servers": soak.kafka.bootstrap_servers, "group_id": soak.group}
    settings = Settings.model_validate({"kafka": kafka, "topics": topics})
    report = await verified(settings, Asked(), progress=lambda *_: nullcontext(lambda _: None))
    return [f"verify: {each}" for each in (*report.findings, *report.not_judged)]


async def judged(soak: Soak) -> tuple[list[Figure], list[str]]:
    """The figures with their aims, and a line for everything that is wrong."""
    books = await read(soak)
    wrong, found = books.closed(), await by_verify(soak)
    async with admin.opened(soak.connection) as client:
        left = soak.stored - (await soak.committed(client) or 0)
    problems = [*soak.problems, *soak.fleet.problems, *soak.fleet.crashes()]
    others = sum(len(places) for kind, places in wrong.items() if kind not in {DUPLICATE, LOST})
    figures = [
        _figure("records", "", books.records),
        _figure("created twice", "events", len(wrong.get(DUPLICATE, ())), NONE),
        _figure("lost", "records", len(wrong.get(LOST, ())) + soak.published - books.records, NONE),
        _figure("told otherwise than they ended", "records", others, NONE),
        _figure("not committed in the end", "records", left, NONE),
        _figure("found by verify", "", len(found), NONE),
        _figure("published again", "results", books.again),
        *(_figure(f"told as {how}", "records", count) for how, count in books.told.most_common()),
        _figure("dead letters", "", await letters(soak)),
        *seen(soak),
        _figure("troubles of processes", "", len(problems), NONE),
    ]
    return figures, [*as_lines(wrong), *found, *problems]


def seen(soak: Soak) -> list[Figure]:
    """What the samples say."""
    samples, day = soak.samples, soak.day
    bound = Aim("<=", round(day.longest_closed + PATIENCE))
    last = samples[-1].counted
    return [
        _figure("created a second", "events/s", samples[-1].created / samples[-1].at),
        _figure("largest lag", "records", max(each.lag or 0 for each in samples)),
        _figure("longest that anything waited", "s", max(seconds for _, seconds in behind(samples)), bound),
        *grown(samples),
        _figure("restarts of workers", "", soak.rolled),
        _figure("restarts of the broker", "", len(soak.struck)),
        *(_figure(f"API: {name}", "calls", last[name]) for name in TOLD),
    ]


TOLD: Final[tuple[str, ...]] = ("refused", "lost", "broken", "expired", "searches", "found")


def grown(samples: list[Sample]) -> list[Figure]:
    """Memory: of the worker that is never restarted, and from life to life of the others."""
    longest: Mapping[tuple[int, int], list[tuple[float, float]]] = lives(samples)
    elder = max(longest.values(), key=len)
    return [
        _figure("memory of the one that stays, at most", "MiB", max(rss for _, rss in elder)),
        _figure("growth of the one that stays", "MiB", growth(elder), FLAT),
        *(_figure(f"growth from life to life of {n}", "MiB", growth(over_lives(samples, n)), FLAT) for n in ROLLED),
    ]


def _figure(name: str, unit: str, value: float, aim: Aim | None = None) -> Figure:
    return Figure(PART, name, unit, (float(value),), aim)
