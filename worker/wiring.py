"""From settings to the frozen values that each part takes; nothing else reads settings."""

import re
import socket
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path

from worker.creation.backoff import Backoff
from worker.creation.breaker import Breaker
from worker.creation.creation import RetryPolicy
from worker.creation.flood import Flood
from worker.creation.holds import Holds
from worker.creation.pace import Pace
from worker.creation.reconcile import Reconciliation, Search
from worker.customer import Configured
from worker.customer.catalog import load_catalog
from worker.customer_api import Access, CustomerApi, Meaning, customer_api
from worker.customer_api.session import Credentials
from worker.events.asyncapi import Channels, Server
from worker.events.decode import Decoder
from worker.events.results import Results
from worker.intake.beginnings import Start
from worker.journal.entries import Owner
from worker.journal.terms import Terms
from worker.journal.topic_config import kept_window
from worker.kafka.connection import Connection
from worker.kafka.expansion import bound
from worker.kafka.membership import Membership
from worker.measures import Measures
from worker.model.commands import CreateCustomer
from worker.model.errors import SearchRefused, SettingsError
from worker.partition.slots import Slots
from worker.settings.settings import Settings
from worker.topics import DAY, Cluster, Plan

ENDS_IN_A_NUMBER = re.compile(r"-(\d+)$")


def decoder(settings: Settings, catalog: Configured | None) -> Decoder:
    """What records are read with."""
    return Decoder(
        catalog=catalog,
        form=settings.api.format,
        max_bytes=settings.events.max_bytes,
        max_depth=settings.events.max_depth,
        departmentalization=settings.customer.departmentalization,
        unknown_elements=settings.customer.unknown_elements,
        event_attribute=settings.reconcile.attribute if settings.reconcile.by == "custom_attribute" else None,
    )


def catalog(settings: Settings) -> Configured | None:
    """The configured values of a file; a live catalog cannot be asked without the API."""
    named = settings.customer.catalog
    return load_catalog(Path(named)) if named and named != "live" else None


def connection(settings: Settings) -> Connection:
    """How every Kafka client connects, and what a batch may have for any of them."""
    kafka = settings.kafka
    bound(kafka.max_batch_bytes)
    return Connection(
        kafka.bootstrap_servers,
        client_id=kafka.client_id,
        security_protocol=kafka.security_protocol,
        sasl_mechanism=kafka.sasl_mechanism,
        username=kafka.username,
        password=kafka.password.get_secret_value() if kafka.password else None,
        ca_file=kafka.ca_file,
        cert_file=kafka.cert_file,
        key_file=kafka.key_file,
    )


def membership(settings: Settings) -> Membership:
    """How this process takes part in the group."""
    kafka = settings.kafka
    return Membership(
        settings.topics.requests,
        kafka.group_id,
        session_timeout=kafka.session_timeout,
        rebalance_timeout=settings.rebalance_timeout,
        group_instance_id=instance(kafka.group_instance_id, socket.gethostname()),
    )


def start(settings: Settings) -> Start:
    """Where a group begins that has stored nothing yet."""
    match settings.kafka.start:
        case "earliest" | "latest" as place:
            return place
        case moment:
            return int(datetime.fromisoformat(moment).timestamp() * 1000)


def instance(named: str | None, hostname: str) -> str | None:
    """The static member of this replica; two with one name would throw each other out of the group."""
    if named is None or "{ordinal}" not in named:
        return named
    if not ENDS_IN_A_NUMBER.search(hostname):
        raise SettingsError(
            f"WORKER_KAFKA__GROUP_INSTANCE_ID: {{ordinal}} needs a host name such as worker-0, not {hostname}"
        )
    return named.replace("{ordinal}", str(ordinal(hostname)))


def plan(settings: Settings) -> Plan:
    """The topics."""
    topics, journal = settings.topics, settings.journal
    return Plan(
        topics.requests,
        topics.succeeded,
        topics.failed,
        topics.dead_letters,
        topics.journal,
        partitions=topics.partitions,
        replication_factor=topics.replication_factor,
        window=journal.window,
        journal_enabled=journal.enabled,
    )


def described(settings: Settings) -> tuple[Server, Channels]:
    """What an AsyncAPI document is about."""
    kafka = settings.kafka
    tls = kafka.security_protocol.endswith("SSL")
    sasl = kafka.sasl_mechanism if kafka.security_protocol.startswith("SASL") else None
    login = sasl or ("certificate" if tls and kafka.cert_file else None)
    return Server(kafka.bootstrap_servers, tls, login), Channels(plan(settings), kafka.group_id)


def access(settings: Settings) -> Access:
    """How the API is reached."""
    api = settings.api
    return Access(
        api.base_url,
        api.context_root,
        api.format,
        api.accept_language,
        connect_timeout=api.connect_timeout,
        request_timeout=api.request_timeout,
        keepalive_timeout=api.keepalive_timeout,
        pool_size=api.pool_size or settings.dispatch.max_in_flight,
        ca_file=api.ca_file,
    )


def credentials(settings: Settings) -> Credentials:
    """The account of this replica's ordinal, or the only one."""
    api = settings.api
    if api.accounts:
        number = ordinal(socket.gethostname())
        if number >= len(api.accounts):
            raise SettingsError(f"WORKER_API__ACCOUNTS: has {len(api.accounts)}, and this is replica number {number}")
        account = api.accounts[number]
        return Credentials(account.username, account.password.get_secret_value())
    if not api.username or not api.password.get_secret_value():
        raise SettingsError("WORKER_API__USERNAME and WORKER_API__PASSWORD: required")
    return Credentials(api.username, api.password.get_secret_value())


def api(
    settings: Settings, reread: Callable[[], Settings] | None = None, measures: Measures | None = None
) -> AbstractAsyncContextManager[CustomerApi]:
    """A client of the API; SettingsError where there is no account. A password that changes is read at a login."""
    account = credentials(settings)
    return customer_api(
        access(settings),
        (lambda: credentials(reread())) if reread else account,
        force_login=settings.api.force_login,
        meaning=meaning(settings),
        measures=measures,
    )


def meaning(settings: Settings) -> Meaning:
    """What answers mean; a call that a proxy may have lost is a doubt where a doubt can be looked up."""
    given, looked_up = settings.api, settings.reconcile.by != "none"
    return Meaning(
        given.unknown,
        given.not_now,
        with_wait=given.with_wait if looked_up else frozenset(),
        own_path=access(settings).own_path,
    )


def resends_503(settings: Settings) -> bool:
    """Whether a 503 is taken for "not now" whoever said it, and however."""
    given = meaning(settings)
    return 503 in given.not_now - given.with_wait


def ordinal(hostname: str) -> int:
    """The number at the end of a StatefulSet's host name; 0 without one."""
    found = ENDS_IN_A_NUMBER.search(hostname)
    return int(found.group(1)) if found else 0


def results(settings: Settings) -> Results:
    """Where results go."""
    topics = settings.topics
    return Results(
        settings.events.source,
        topics.succeeded,
        topics.failed,
        topics.dead_letters,
        settings.kafka.group_id,
        with_payload=settings.dead_letters.payload == "full",
    )


def retry(settings: Settings) -> RetryPolicy:
    """How often and how soon a record is tried again."""
    given = settings.retry
    return RetryPolicy(given.max_attempts, Backoff(given.base_delay, given.max_delay))


def pace(settings: Settings) -> Pace:
    """The limit on POSTs."""
    return Pace(settings.dispatch.max_rate)


def flood(settings: Settings) -> Flood:
    """When nearly everything is being refused."""
    return Flood(settings.hold.flood_ratio, settings.hold.flood_window)


def breaker(settings: Settings) -> Breaker:
    """When failures in a row are an outage, and how it is probed."""
    given = settings.hold
    return Breaker(given.after_failures, Backoff(given.probe_delay, given.max_probe_delay))


def slots(settings: Settings) -> Slots:
    """Records worked on at once: half as many more than calls, so that one is ready whenever a call ends.

    Those whose outcome is known are beyond them, up to a bound: they wait for Kafka alone.
    """
    calls = settings.dispatch.max_in_flight
    return Slots(calls + max(1, calls // 2), beyond=4 * calls)


def owner(settings: Settings) -> Owner:
    """Whose requests are worked on here, as our claims say."""
    return Owner(settings.kafka.group_id, settings.topics.requests)


def terms(settings: Settings, cluster: Cluster) -> Terms:
    """What holds for every claim of a partition; the window is what the topic keeps, where that is less."""
    given = settings.journal
    window = kept_window(plan(settings), cluster)
    return Terms(window, given.max_entries, given.intent_ttl, renewal=min(DAY / 1000, window / 4))


def settle_time(settings: Settings) -> float:
    """Seconds after an intent until a doubt may be looked up: by then the API has it, or will never."""
    return settings.journal.intent_ttl + settings.api.request_timeout + settings.reconcile.settle_delay


def reconciliation(settings: Settings, holds: Holds, api: CustomerApi) -> Reconciliation:
    """The look-up after an unknown outcome, if one is configured."""
    given = settings.reconcile
    settle = settle_time(settings)

    async def by_attribute(command: CreateCustomer) -> list[str]:
        return await api.find_by_attribute(given.attribute or "", str(command.request.event))

    async def by_email(command: CreateCustomer) -> list[str]:
        if command.customer.first_email is None:
            raise SearchRefused("the customer has no e-mail address to look for")
        return await api.find_by_email(command.customer.first_email)

    match given.by:
        case "none":
            return Reconciliation(holds)
        case "custom_attribute":
            return Reconciliation(holds, Search(by_attribute, settle, given.attempts, given.settle_delay))
        case "email":
            search = Search(by_email, settle, given.attempts, given.settle_delay, of_others=True)
            return Reconciliation(holds, search)
