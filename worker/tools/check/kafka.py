"""Checks of Kafka: that it is reached, encryption, topics, rights, the group."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import chain
from typing import Protocol

from worker.counting import counted
from worker.kafka.connection import tool_options
from worker.model.errors import WorkerError
from worker.tools.check.line import Check, Line, not_tried, said
from worker.tools.check.topics import TOPICS, journal
from worker.topics import Cluster, Plan

RUNBOOK = "deploy/docs/security.md lists the rights that `run` needs"
NEEDING = ("topics", "rights", "producer", "group")


class Brokers(Protocol):
    """What this module asks of Kafka; nothing is written by asking."""

    async def cluster(self, topics: Collection[str]) -> Cluster: ...
    async def release(self) -> str: ...
    async def session_limits(self) -> tuple[float, float] | None: ...
    async def topic_rights(self, topics: Collection[str]) -> Mapping[str, frozenset[str]]: ...
    async def group(self, group: str) -> tuple[int, frozenset[str]]:
        """How many members the group has, and our rights to it."""

    async def producer_refusal(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks, and how; `session_timeout` is in seconds. `token`, if tokens are used, says which token there is."""

    servers: str
    protocol: str
    group: str
    session_timeout: float
    token: Callable[[], Awaitable[str]] | None = None


def kafka(opened: Callable[[], AbstractAsyncContextManager[Brokers]], plan: Plan, client: Client) -> Check:
    """The check of Kafka; each question is asked whatever the others brought, as long as there is a connection."""

    async def check() -> AsyncIterator[Line]:
        yield _security(client)
        if client.token is not None:
            yield await said("token", _token(client.token))
        try:
            async with opened() as brokers:
                async for line in _asked(brokers, plan, client):
                    yield line
        except WorkerError as error:
            yield Line("kafka", "failed", str(error))
            for name in NEEDING:
                yield not_tried(name, "Kafka cannot be used")

    return check


async def _asked(brokers: Brokers, plan: Plan, client: Client) -> AsyncIterator[Line]:
    yield await said("kafka", _reached(brokers))
    try:
        cluster = await brokers.cluster([name for _, name in plan.names()])
    except WorkerError as error:
        yield Line("topics", "failed", str(error), RUNBOOK)
    else:
        options = tool_options(client.servers, client.protocol)
        told = chain.from_iterable(about(plan, cluster) for about in TOPICS)
        for line in chain(told, journal(plan, cluster, options)):
            yield line
    if (limits := await _limits(brokers)) is not None:
        yield _session(client, *limits)
    yield await said("rights", _rights(brokers, plan), RUNBOOK)
    yield await said("producer", _producer(brokers), RUNBOOK)
    yield await said("group", _group(brokers, client.group), RUNBOOK)


async def _token(asked: Callable[[], Awaitable[str]]) -> Line:
    return Line("token", "ok", await asked())


async def _reached(brokers: Brokers) -> Line:
    count = (await brokers.cluster(())).brokers
    return Line("kafka", "ok", f"{counted(count, 'broker')}, Kafka {await brokers.release()} or newer")


def _security(client: Client) -> Line:
    """The line on encryption; without it is fine only on this machine."""
    hosts = [server.strip().rpartition("://")[2].rpartition(":")[0] for server in client.servers.split(",")]
    if client.protocol.endswith("SSL") or all(map(is_here, hosts)):
        return Line("security", "ok", client.protocol)
    wish = "WORKER_KAFKA__SECURITY_PROTOCOL: SSL or SASL_SSL"
    return Line("security", "warning", f"{client.protocol}: customers' data pass unencrypted", wish)


def is_here(host: str) -> bool:
    """Whether the host is this machine's own address."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


async def _limits(brokers: Brokers) -> tuple[float, float] | None:
    """The brokers' limits of session timeouts; None where we may not know them, and then no line is printed."""
    try:
        return await brokers.session_limits()
    except WorkerError:
        return None


def _session(client: Client, shortest: float, longest: float) -> Line:
    detail = f"session {client.session_timeout:g} s, the brokers take {shortest:g} to {longest:g} s"
    if shortest <= client.session_timeout <= longest:
        return Line("timeouts", "ok", detail)
    return Line("timeouts", "failed", detail, "WORKER_KAFKA__SESSION_TIMEOUT must be one of those")


async def _rights(brokers: Brokers, plan: Plan) -> Line:
    needed = {plan.requests: ["Read"], **{name: ["Write"] for name in (plan.succeeded, plan.failed, plan.dead_letters)}}
    if plan.journal_enabled:
        needed[plan.journal] = ["Read", "Write"]
    rights = await brokers.topic_rights(list(needed))
    missing = [f"{right} {name}" for name, wanted in needed.items() for right in wanted if right not in rights[name]]
    if missing:
        return Line("rights", "failed", f"missing: {', '.join(missing)}", RUNBOOK)
    return Line("rights", "ok", "Read and Write on the topics where `run` needs them")


async def _producer(brokers: Brokers) -> Line:
    if refusal := await brokers.producer_refusal():
        return Line("producer", "failed", f"no idempotent producer: {refusal}", RUNBOOK)
    return Line("producer", "ok", "idempotent")


async def _group(brokers: Brokers, group: str) -> Line:
    members, rights = await brokers.group(group)
    if "Read" not in rights:
        return Line("group", "failed", f"missing: Read {group}", RUNBOOK)
    return Line("group", "ok", f"{group}, {counted(members, 'member')} now")
