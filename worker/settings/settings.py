"""Every setting of the worker: one class per group, one sentence per name; durations are seconds."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from worker.settings.api import Api
from worker.settings.console import ConsoleGroup
from worker.settings.group import Group
from worker.settings.kafka import Kafka
from worker.settings.kinds import (
    Address,
    BasicUser,
    GroupSeconds,
    Partitions,
    Positive,
    Replicas,
    SecondOrMore,
    Seconds,
    TopicName,
)


class Topics(Group):
    requests: TopicName = "customer.create.requests"
    """In: creation events."""
    succeeded: TopicName = "customer.create.succeeded"
    """Out: one event per created customer."""
    failed: TopicName = "customer.create.failed"
    """Out: one event per failed request."""
    dead_letters: TopicName = "customer.create.dead-letters"
    """Out: the original record of each failed request, and why it failed."""
    journal: TopicName = "customer.create.journal"
    """The worker's write-ahead journal; as many partitions as the requests."""
    partitions: Partitions = 6
    """Partitions of each topic that `topics create` makes."""
    replication_factor: Replicas | None = None
    """Replicas of each topic that `topics create` makes; unset: 1 on one broker, else 3."""


class Customer(Group):
    departmentalization: bool = False
    """The API's "Customer departmentalization" is on: department.name is required."""
    catalog: str | None = None
    """Configured values to check customers against: a TOML or JSON file, or `live`: ask the API; unset: not checked."""
    catalog_refresh: SecondOrMore = 3600
    """How often a live catalog is asked for anew."""
    unknown_elements: Literal["refuse", "drop"] = "refuse"
    """An element that the API does not know: fail the event, or leave the element out and count it."""

    @model_validator(mode="after")
    def _read_once(self) -> "Customer":
        """Refuse a time for what is not read again: a file is read at the start alone."""
        if "catalog_refresh" in self.model_fields_set and self.catalog != "live":
            raise ValueError("WORKER_CUSTOMER__CATALOG_REFRESH: is of use only with WORKER_CUSTOMER__CATALOG=live")
        return self


class Dispatch(Group):
    max_in_flight: Positive = 64
    """Creations at once, over all partitions; half as many more records are made ready for them."""
    adaptive: bool = False
    """Find out how many creations at once the API bears, by its latency and refusals, and make no more at once."""
    max_rate: Annotated[float, Field(ge=0.001, le=1_000_000)] | None = None
    """POSTs a second of the whole group; a worker's part is its share of all partitions. Unset: no limit."""
    max_uncommitted: Positive = 10_000
    """A partition with so many records taken and not yet committed is not read on."""
    drain_timeout: GroupSeconds = 40
    """How long a stop or rebalance waits for what is in flight; must exceed the API's request timeout."""


class Retry(Group):
    max_attempts: Positive = 5
    """Answered attempts of one record at most."""
    base_delay: Seconds = Field(0.5, gt=0)
    """The first wait at most; the bound doubles with each further wait, and the wait is drawn between 0 and it."""
    max_delay: Seconds = 30
    """The longest wait, Retry-After included."""


class Journal(Group):
    enabled: bool = True
    """Without the journal a crash can create customers twice."""
    window: Seconds = 86_400
    """How long an event is recognised when it comes again."""
    max_entries: Positive = 200_000
    """Events of one partition remembered at most."""
    intent_ttl: Seconds = Field(10, gt=0)
    """An intent older than this starts no POST."""


class Reconcile(Group):
    by: Literal["none", "custom_attribute", "email"] = "none"
    """How a customer is looked up after an unknown outcome; by e-mail, it is also searched before its first POST."""
    attribute: str | None = None
    """The custom attribute that carries the event's id."""
    settle_delay: Seconds = 5
    """How long the API's search may lag behind a creation."""
    attempts: Positive = 3
    """How often the search is asked, and how often it may fail while other calls are answered."""

    @model_validator(mode="after")
    def _by_something(self) -> "Reconcile":
        """Require the way where its attribute is named, since nothing is looked up by default."""
        if self.attribute and "by" not in self.model_fields_set:
            raise ValueError("WORKER_RECONCILE__BY: required with WORKER_RECONCILE__ATTRIBUTE")
        return self


class Hold(Group):
    after_failures: Positive = 10
    """So many failures in a row are an outage."""
    probe_delay: Seconds = Field(1, gt=0)
    """The first wait before the API, or a schema registry, is tried again during a hold."""
    max_probe_delay: Seconds = Field(30, gt=0)
    """The longest wait between two such tries."""
    flood_ratio: Annotated[float, Field(gt=0, le=1)] = 0.9
    """Hold when this share of the last records was refused."""
    flood_window: Positive = 100
    """The number of last answers that this share is taken of."""


class DeadLetters(Group):
    payload: Literal["full", "metadata_only"] = "full"
    """Whether a dead letter holds the original value."""
    max_replays: Positive = 3
    """How often one record may be replayed by `dead-letters replay`."""


class Events(Group):
    source: str = Field("customer-worker", min_length=1, max_length=1024)
    """The CloudEvents source of what the worker publishes."""
    max_bytes: Positive = 1024 * 1024
    """A larger request value is undecodable."""
    max_depth: Positive = 32
    """A more deeply nested request value is undecodable."""
    mapping: Path | None = None
    """A file that says what somebody else's events mean (docs: mapping); unset: events are in the worker's own form."""
    registry_url: Address | None = None
    """The schema registry that request values name their schemas in: Confluent's API, path included; unset: none."""
    registry_username: BasicUser | None = None
    """The registry's user, for basic authentication."""
    registry_password: SecretStr | None = None
    """That user's password."""
    registry_token: SecretStr | None = None
    """A bearer token for the registry, in place of a user."""
    registry_ca_file: Path | None = None
    """Certificates (PEM) that the registry is checked against; unset: the system's."""

    @model_validator(mode="after")
    def _of_one_registry(self) -> "Events":
        if self.registry_token and self.registry_username is not None:
            raise ValueError("WORKER_EVENTS__REGISTRY_TOKEN and WORKER_EVENTS__REGISTRY_USERNAME exclude each other")
        if self.registry_password and self.registry_username is None:
            raise ValueError("WORKER_EVENTS__REGISTRY_PASSWORD: needs WORKER_EVENTS__REGISTRY_USERNAME")
        given = self.registry_username is not None or self.registry_token or self.registry_ca_file
        if given and self.registry_url is None:
            raise ValueError("WORKER_EVENTS__REGISTRY_URL: required with the other settings of the registry")
        if self.registry_ca_file and not (self.registry_url or "").startswith("https:"):
            raise ValueError(
                "WORKER_EVENTS__REGISTRY_CA_FILE: is for a registry over TLS, and WORKER_EVENTS__REGISTRY_URL is none"
            )
        return self


class Ops(Group):
    host: str = "127.0.0.1"
    """Where the operations port listens; it shows no personal data, and needs no login."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    """The operations port: /livez, /readyz, /metrics, /status; 0: a free one, logged as `ops.started`."""


class Log(Group):
    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe line that is written."""
    format: Literal["json", "console"] | None = None
    """How lines are written; unset: console on a terminal, else json."""


class Settings(BaseSettings):
    """All groups together; made by `worker.settings.sources.load`."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix="WORKER_", env_nested_delimiter="__", env_ignore_empty=True
    )

    kafka: Kafka = Kafka()
    topics: Topics = Topics()
    api: Api = Api()
    customer: Customer = Customer()
    dispatch: Dispatch = Dispatch()
    retry: Retry = Retry()
    journal: Journal = Journal()
    reconcile: Reconcile = Reconcile()
    hold: Hold = Hold()
    dead_letters: DeadLetters = DeadLetters()
    events: Events = Events()
    console: ConsoleGroup = ConsoleGroup()
    ops: Ops = Ops()
    log: Log = Log()

    @model_validator(mode="after")
    def _together(self) -> "Settings":
        if self.reconcile.by == "custom_attribute" and not self.reconcile.attribute:
            raise ValueError("WORKER_RECONCILE__ATTRIBUTE: required with WORKER_RECONCILE__BY=custom_attribute")
        if self.dispatch.drain_timeout <= self.api.request_timeout:
            raise ValueError("WORKER_DISPATCH__DRAIN_TIMEOUT: must be longer than WORKER_API__REQUEST_TIMEOUT")
        if self.rebalance_timeout <= self.dispatch.drain_timeout:
            raise ValueError("WORKER_KAFKA__REBALANCE_TIMEOUT: must be longer than WORKER_DISPATCH__DRAIN_TIMEOUT")
        return self

    @property
    def rebalance_timeout(self) -> float:
        """Seconds.

        If a drain lasts longer, the worker is thrown out of its group (docs: kafka, the rebalance timeout).
        """
        given = self.kafka.rebalance_timeout
        return self.dispatch.drain_timeout + 15 if given is None else given
