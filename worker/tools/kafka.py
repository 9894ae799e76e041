"""What `topics create`, `check` and `produce` do: wiring and printing."""

import os
import sys
from pathlib import Path
from typing import BinaryIO

from worker import topics as all_topics
from worker import wiring
from worker.customer_api.certificate import certificate
from worker.kafka import admin, brokers, bulk
from worker.settings.settings import Settings
from worker.terminal.screen import PlainConsole
from worker.terminal.text import say
from worker.tools import check, produce
from worker.tools.check import Client, Times, Wanted

PRODUCE_AHEAD = 1_000


async def create_topics(settings: Settings) -> int:
    """One line per topic; 1 when `run` would refuse to start."""
    async with admin.opened(wiring.connection(settings)) as client:
        reports = await all_topics.create(client, wiring.plan(settings))
    for report in reports:
        say(str(report))
    return all_topics.exit_code(reports)


async def check_all(settings: Settings, config: Path | None, *, as_json: bool) -> int:
    """One line per thing that must be right; 1 after a failure."""
    plan, connection, access = wiring.plan(settings), wiring.connection(settings), wiring.access(settings)
    kafka, reconcile = settings.kafka, settings.reconcile
    client = Client(kafka.bootstrap_servers, kafka.security_protocol, kafka.group_id, kafka.session_timeout)
    checks = [
        check.settings(config),
        check.times(Times(settings.api.request_timeout, settings.dispatch.drain_timeout, settings.rebalance_timeout)),
        check.kafka(lambda: brokers.opened(connection), plan, client),
        check.api(
            lambda: wiring.api(settings),
            Wanted(access.base_url, reconcile.by, reconcile.attribute or "", resends_503=wiring.resends_503(settings)),
            lambda: certificate(access),
        ),
    ]
    seen = []
    async for line in check.lines(checks):
        seen.append(line)
        say(line.json() if as_json else str(line))
    return check.exit_code(seen)


async def produce_file(settings: Settings, file: BinaryIO, key_path: str | None, rate: float | None) -> int:
    """Publish the events of a file; 1 when it ended early."""
    async with admin.opened(wiring.connection(settings)) as client:
        plan = wiring.plan(settings)
        await all_topics.verify(client, plan)
    size = None if file is sys.stdin.buffer else os.fstat(file.fileno()).st_size
    with produce.progress(size, PlainConsole(stderr=True)) as advance:
        async with bulk.opened(wiring.connection(settings), unacknowledged=PRODUCE_AHEAD) as publisher:
            events = produce.read(file, key_path, settings.events.max_bytes)
            done = await produce.produce(events, publisher, plan.requests, rate=rate, advance=advance)
    say(str(done), err=True)
    return int(done.problem is not None)
