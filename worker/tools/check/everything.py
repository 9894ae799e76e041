"""`check`: everything that must be right before `run` can work, one line each."""

from pathlib import Path

from worker import wiring
from worker.customer_api.certificate import certificate
from worker.kafka import brokers
from worker.kafka.backlog import backlog
from worker.settings.settings import Settings
from worker.terminal.text import say
from worker.tools import check
from worker.tools.check import Client, Times, Wanted


async def check_all(settings: Settings, config: Path | None, *, as_json: bool) -> int:
    """Print one line for each thing that must be right; return 1 after a failure.

    SettingsError for a file that `run` could not read.
    """
    wiring.mapping(settings)
    wiring.catalog(settings)
    plan, connection, access = wiring.plan(settings), wiring.connection(settings), wiring.access(settings)
    kafka, reconcile = settings.kafka, settings.reconcile
    client = Client(
        kafka.bootstrap_servers,
        kafka.security_protocol,
        kafka.group_id,
        kafka.session_timeout,
        token=connection.tokens.tried if connection.tokens else None,
    )
    checks = [
        check.settings(config),
        check.times(Times(settings.api.request_timeout, settings.dispatch.drain_timeout, settings.rebalance_timeout)),
        check.kafka(lambda: brokers.opened(connection), plan, client),
        check.start(lambda: backlog(connection, kafka.group_id, plan.requests, wiring.start(settings)), kafka.start),
        check.api(
            lambda: wiring.api(settings),
            Wanted(
                access.base_url,
                reconcile.by,
                reconcile.attribute or "",
                resends_503=wiring.resends_503(settings),
                proxy=access.proxy.url if access.proxy else "" if settings.api.proxy else None,
            ),
            lambda: certificate(access),
        ),
        check.registry(lambda: wiring.registry(settings), settings.events.registry_url),
    ]
    seen = []
    async for line in check.lines(checks):
        seen.append(line)
        say(line.as_json() if as_json else str(line))
    return check.exit_code(seen)
