"""Starts everything that a demonstration needs, and ends it in the reverse order."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from worker.kafka import admin, missing_topics
from worker.kafka.connection import Connection
from worker.model.errors import KafkaUnavailable
from worker.sandbox.api import DEFAULT_PASSWORD, DEFAULT_USER, RunningSandbox, SandboxConfig, sandbox_api
from worker.sandbox.demo.samples import Sample, customer_schema
from worker.sandbox.demo.verdict import Posts
from worker.sandbox.demo.worker_process import WorkerProcess, worker_process
from worker.sandbox.local_kafka import LocalKafka
from worker.sandbox.local_registry import LocalRegistry
from worker.topics import Plan

Tell = Callable[[str], None]
DELETE_WITHIN = 5.0
SHARED_EMAIL = "an e-mail address may be used twice there: the API's own two examples with all elements share one"


@dataclass(frozen=True, slots=True)
class GivenKafka:
    """A Kafka, and the settings that point the worker at it."""

    connection: Connection
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Stage:
    """What runs for a demonstration; `addresses` are the settings that point every command at it."""

    connection: Connection
    plan: Plan
    sandbox: RunningSandbox
    posts: Posts
    worker: WorkerProcess
    addresses: Mapping[str, str]
    samples: list[Sample]


@asynccontextmanager
async def staged(
    given: GivenKafka | None, plan: Plan, samples: list[Sample], tell: Tell, *, registry: bool = False
) -> AsyncIterator[Stage]:
    """Start Kafka (unless one is given), the sandbox, the topics and the worker; with `registry` a schema registry too.

    All of it ends with the block, in the reverse order. What cannot be started raises LocalKafkaError,
    LocalRegistryError, KafkaUnavailable or StartupError.
    """
    posts = Posts()
    async with AsyncExitStack() as stack:
        kafka = await stack.enter_async_context(_kafka(given, tell))
        faults = [fault for sample in samples if (fault := sample.scripted())]
        config = SandboxConfig(unique_emails=False)
        sandbox = await stack.enter_async_context(sandbox_api(config, faults=faults, report=posts))
        tell(f"the sandbox API answers on {sandbox.base_url} ({SHARED_EMAIL})")
        await stack.enter_async_context(_topics(kafka.connection, plan, tell, temporary=given is not None))
        addresses = {**kafka.settings, **_topic_settings(plan), **_api_settings(sandbox)}
        if registry:
            schemas = await stack.enter_async_context(LocalRegistry(tell))
            samples = await _registered(schemas, f"{plan.requests}-value", samples, tell)
            addresses["WORKER_EVENTS__REGISTRY_URL"] = schemas.url
        worker = await stack.enter_async_context(worker_process(addresses | _own_settings()))
        tell(f"the worker runs as a process of its own; its log: {worker.log}")
        yield Stage(kafka.connection, plan, sandbox, posts, worker, addresses, samples)


async def _registered(registry: LocalRegistry, subject: str, samples: list[Sample], tell: Tell) -> list[Sample]:
    """The samples, with the schema id that the registry gave to their schema."""
    number = await registry.register(subject, customer_schema())
    tell(f"Apicurio Registry answers on {registry.url}; it knows the schema of {subject} as {number}")
    return [sample.model_copy(update={"schema_id": number}) for sample in samples]


@asynccontextmanager
async def _kafka(given: GivenKafka | None, tell: Tell) -> AsyncIterator[GivenKafka]:
    if given:
        tell(f"Kafka is the one on {given.connection.bootstrap_servers}")
        yield given
        return
    async with LocalKafka(tell=tell) as kafka:
        tell(f"Apache Kafka answers on {kafka.bootstrap_servers}")
        settings = {"WORKER_KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap_servers}
        yield GivenKafka(Connection(kafka.bootstrap_servers), settings)


@asynccontextmanager
async def _topics(connection: Connection, plan: Plan, tell: Tell, *, temporary: bool) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        async with admin.opened(connection) as client:
            if temporary:
                stack.push_async_callback(_delete_topics, connection, plan, tell)
            await missing_topics.create(client, plan)
        tell(f"made the topics {', '.join(name for _, name in plan.names())}")
        yield


async def _delete_topics(connection: Connection, plan: Plan, tell: Tell) -> None:
    names = [name for _, name in plan.names()]
    try:
        async with admin.opened(connection, DELETE_WITHIN) as client:
            await client.delete(names)
    except KafkaUnavailable as error:
        tell(f"these topics could not be deleted: {', '.join(names)} ({error})")


def _topic_settings(plan: Plan) -> dict[str, str]:
    """The settings of the topics whose names differ from the defaults."""
    usual = dict(Plan().names())
    return {setting: name for setting, name in plan.names() if name != usual[setting]}


def _api_settings(sandbox: RunningSandbox) -> dict[str, str]:
    return {
        "WORKER_API__BASE_URL": sandbox.base_url,
        "WORKER_API__USERNAME": DEFAULT_USER,
        "WORKER_API__PASSWORD": DEFAULT_PASSWORD,
    }


def _own_settings() -> dict[str, str]:
    """Settings that make a demonstration quick, and let several run at once."""
    return {"WORKER_RETRY__BASE_DELAY": "0.1", "WORKER_OPS__PORT": "0", "WORKER_LOG__FORMAT": "json"}
