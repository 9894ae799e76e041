"""What `check` says about each thing that must be right."""

import json
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from pathlib import Path

import pytest

from worker.kafka.backlog import Backlog
from worker.model.errors import (
    ApiUnavailable,
    KafkaUnavailable,
    LoginRefused,
    SchemaRegistryUnavailable,
    SearchRefused,
    SettingsError,
    StartupError,
    WorkerError,
)
from worker.settings.settings import Settings
from worker.tools.check import (
    Check,
    Client,
    Line,
    Times,
    Wanted,
    api,
    exit_code,
    kafka,
    lines,
    registry,
    settings,
    start,
    times,
)
from worker.tools.check.everything import check_all
from worker.topics import DAY, Cluster, Plan, Topic, wanted

CLIENT = Client("localhost:9092,[::1]:9092", "PLAINTEXT", "group", 45)
BOTH = frozenset({"Read", "Write"})
PLAN = Plan("requests", "succeeded", "failed", "dead-letters", "journal", partitions=6)


@dataclass
class FakeKafka:
    """A cluster of three brokers with the five topics as they should be."""

    topics: dict[str, Topic]
    error: WorkerError | None = None
    open: int = 0
    rights: dict[str, frozenset[str]] = field(default_factory=dict)
    limits: tuple[float, float] | None = (6, 1800)
    refusal: str | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["FakeKafka"]:
        if self.error:
            raise self.error
        self.open += 1
        yield self
        self.open -= 1

    async def cluster(self, topics: Collection[str]) -> Cluster:
        return Cluster(3, {name: topic for name, topic in self.topics.items() if name in topics})

    async def release(self) -> str:
        return "4.1"

    async def session_limits(self) -> tuple[float, float] | None:
        return self.limits

    async def topic_rights(self, topics: Collection[str]) -> dict[str, frozenset[str]]:
        return {name: self.rights.get(name, BOTH) for name in topics}

    async def group(self, group: str) -> tuple[int, frozenset[str]]:
        return 1, self.rights.get(group, BOTH)

    async def producer_refusal(self) -> str | None:
        return self.refusal

    def alter(self, name: str, **changes: str) -> None:
        config = dict(self.topics[name].config or {}) | {key.replace("_", "."): text for key, text in changes.items()}
        self.topics[name] = replace(self.topics[name], config=config)


@dataclass
class FakeAnswer:
    """What came back."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class FakeApi:
    """Lets everybody in and do everything, unless told otherwise; `calls` is what was asked of it."""

    error: WorkerError | None = None
    reached: int = 401
    refused: int = 400
    ahead: float = 0
    searching: WorkerError | None = None
    listed: bytes = b'{"attribute":[{"name":"customAttributes.customer.externalid","type":"string"}]}'
    calls: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["FakeApi"]:
        yield self

    async def reach(self) -> FakeAnswer:
        self._unavailable()
        return FakeAnswer(self.reached, {"Date": formatdate(time.time() + self.ahead, usegmt=True)})

    async def log_in(self) -> None:
        self.calls.append("in")
        if self.error:
            raise self.error

    async def log_out(self) -> None:
        self.calls.append("out")

    async def refusal(self) -> FakeAnswer:
        self.calls.append("create")
        return FakeAnswer(self.refused, {"Location": "/customer/1"})

    async def find_by_attribute(self, name: str, value: str) -> list[str]:
        self.calls.append(name)
        if self.searching:
            raise self.searching
        return []

    async def find_by_email(self, address: str) -> list[str]:
        return await self.find_by_attribute("email", address)

    async def attributes(self, name: str) -> bytes:
        return self.listed

    def _unavailable(self) -> None:
        if isinstance(self.error, ApiUnavailable):
            raise self.error


async def presented() -> tuple[str, float]:
    """A certificate that is good for long."""
    return "TLSv1.3", time.time() + 90.5 * 86_400


def checked(fake: FakeApi, look_up: str = "custom_attribute", url: str = "https://crm", certificate=presented) -> Check:
    return api(fake.opened, Wanted(url, look_up, "externalid" if look_up == "custom_attribute" else ""), certificate)


@pytest.fixture
def cluster() -> FakeKafka:
    """Kafka as it should be."""
    specs = wanted(PLAN, Cluster(3, {}))
    return FakeKafka({spec.name: Topic(spec.name, spec.partitions, spec.replication, spec.config) for spec in specs})


async def _seen(check: Check) -> list[Line]:
    return [line async for line in lines([check])]


async def _wrong(cluster: FakeKafka, plan: Plan = PLAN) -> list[Line]:
    return [line for line in await _seen(kafka(cluster.opened, plan, CLIENT)) if line.state != "ok"]


async def test_everything_right(cluster: FakeKafka) -> None:
    """Nothing but ok lines, one for each thing, and exit code 0."""
    session = FakeApi()
    checks = [settings(Path("w.toml")), times(Times(30, 40, 55)), kafka(cluster.opened, PLAN, CLIENT), checked(session)]
    seen = [line async for line in lines(checks)]
    assert {line.state for line in seen} == {"ok"}
    of_kafka = ["security", "kafka", *["topic"] * 5, "timeouts", "rights", "producer", "group"]
    of_api = ["tls", "api", "clock", "login", "create", "search", "attribute"]
    assert [line.check for line in seen] == ["settings", *["timeouts"] * 2, *of_kafka, *of_api]
    assert exit_code(seen) == 0
    assert cluster.open == 0
    assert session.calls == ["in", "create", "externalid", "out"]


async def test_no_look_up() -> None:
    """A 503 that a proxy said for a call which it lost behind the API would be sent again."""
    check = api(FakeApi().opened, Wanted("https://crm", resends_503=True), presented)
    first, *others = await _seen(check)
    assert (first.check, first.state) == ("look-up", "warning")
    assert "WORKER_RECONCILE__BY" in first.advice
    assert {line.state for line in others} == {"ok"}


@pytest.mark.parametrize("error", [KafkaUnavailable("refused"), StartupError("not allowed")])
async def test_kafka_that_cannot_be_used(cluster: FakeKafka, error: WorkerError) -> None:
    """One failed line with the reason; what could not be asked for is named as not tried."""
    cluster.error = error
    _, failed, *others = seen = await _seen(kafka(cluster.opened, PLAN, CLIENT))
    assert failed == Line("kafka", "failed", str(error))
    assert {line.detail for line in others} == {"not tried: Kafka cannot be used"}
    assert exit_code(seen) == 1


async def test_kafka_that_tells_nothing_of_the_topics(cluster: FakeKafka) -> None:
    """Everything else is asked all the same."""
    del cluster.topics["failed"]

    async def refused(topics: Collection[str]) -> Cluster:
        if topics:
            raise StartupError("no right")
        return Cluster(1, {})

    cluster.cluster = refused  # type: ignore[method-assign]  # one answer of many
    seen = await _seen(kafka(cluster.opened, PLAN, CLIENT))
    assert [line.check for line in seen if line.state == "failed"] == ["topics"]
    assert [line.check for line in seen][-4:] == ["timeouts", "rights", "producer", "group"]


@pytest.mark.parametrize(
    ("rights", "missing"),
    [
        ({"requests": frozenset({"Write"})}, "missing: Read requests"),
        ({"journal": frozenset({"Read"}), "failed": frozenset()}, "missing: Write failed, Write journal"),
        ({"group": frozenset()}, "missing: Read group"),
    ],
)
async def test_rights_that_are_missing(cluster: FakeKafka, rights: dict[str, frozenset[str]], missing: str) -> None:
    """Each is named with what it is on."""
    cluster.rights = rights
    (line,) = await _wrong(cluster)
    assert (line.state, line.detail) == ("failed", missing)


async def test_no_idempotent_producer(cluster: FakeKafka) -> None:
    """Without one the journal cannot be written."""
    cluster.refusal = "not you"
    (line,) = await _wrong(cluster)
    assert (line.state, line.check) == ("failed", "producer")


@pytest.mark.parametrize(("limits", "states"), [((6, 30), ["failed"]), ((60, 90), ["failed"]), (None, [])])
async def test_session_timeout(cluster: FakeKafka, limits: tuple[float, float] | None, states: list[str]) -> None:
    """The brokers refuse a member whose timeout is beyond theirs; of limits that are not known nothing is said."""
    cluster.limits = limits
    found = await _wrong(cluster)
    assert [line.state for line in found] == states
    assert all("WORKER_KAFKA__SESSION_TIMEOUT" in line.advice for line in found)


@pytest.mark.parametrize(
    ("servers", "protocol", "state"),
    [
        ("kafka:9092", "PLAINTEXT", "warning"),
        ("127.0.0.1:1,kafka:9092", "SASL_PLAINTEXT", "warning"),
        ("kafka:9092", "SASL_SSL", "ok"),
        ("127.0.0.1:9092", "PLAINTEXT", "ok"),
    ],
)
async def test_security(cluster: FakeKafka, servers: str, protocol: str, state: str) -> None:
    """Unencrypted is good enough on this machine alone."""
    first, *_ = await _seen(kafka(cluster.opened, PLAN, replace(CLIENT, servers=servers, protocol=protocol)))
    assert (first.check, first.state) == ("security", state)


async def test_missing_topic(cluster: FakeKafka) -> None:
    """It fails, with the setting and the command."""
    del cluster.topics["failed"]
    (line,) = await _wrong(cluster)
    assert line.state == "failed"
    assert "failed (WORKER_TOPICS__FAILED)" in str(line)
    assert "customer-worker topics create" in str(line)


async def test_journal_with_other_partitions(cluster: FakeKafka) -> None:
    """It fails, and says what to do."""
    cluster.topics["journal"] = replace(cluster.topics["journal"], partitions=2)
    (line,) = await _wrong(cluster)
    assert (line.state, line.check) == ("failed", "topic")
    assert line.advice == "`customer-worker topics grow 6 --yes` gives it as many"


async def test_one_replica(cluster: FakeKafka) -> None:
    """All such topics are named in one warning, which is no failure."""
    cluster.topics["journal"] = replace(cluster.topics["journal"], replication=1)
    cluster.topics["failed"] = replace(cluster.topics["failed"], replication=1)
    (line,) = seen = await _wrong(cluster)
    assert (line.state, line.detail) == ("warning", "one replica: failed, journal")
    assert exit_code(seen) == 0


@pytest.mark.parametrize(
    ("topic", "changes", "told"),
    [
        ("journal", {"min_insync_replicas": "1"}, "min.insync.replicas"),
        ("journal", {"cleanup_policy": "delete"}, "--add-config 'cleanup.policy=[compact,delete]'"),
        ("journal", {"message_timestamp_type": "CreateTime"}, "--add-config message.timestamp.type=LogAppendTime"),
        ("journal", {"segment_bytes": "1073741824"}, "segment.bytes 1073741824, not 16777216"),
        ("journal", {"retention_ms": str(2 * DAY)}, f"retention.ms {2 * DAY}, not {7 * DAY}"),
        ("requests", {"cleanup_policy": "compact"}, "cleanup.policy of requests"),
        ("dead-letters", {"retention_ms": str(DAY)}, "kept 1 day"),
        ("dead-letters", {"max_message_bytes": "1000000"}, "max.message.bytes of dead-letters"),
        ("succeeded", {"max_message_bytes": "100000"}, "max.message.bytes of succeeded at least 262144"),
        ("failed", {"max_message_bytes": "262143"}, "max.message.bytes of failed at least 262144"),
    ],
)
async def test_topic_that_can_lose_something(
    cluster: FakeKafka, topic: str, changes: dict[str, str], told: str
) -> None:
    """One warning that names the topic's configuration to change."""
    cluster.alter(topic, **changes)
    (line,) = await _wrong(cluster)
    assert line.state == "warning"
    assert told in str(line)


@pytest.mark.parametrize(
    ("changes", "told", "altered"),
    [
        ({"retention_bytes": "1000000"}, "inside its window: retention.bytes 1000000", "retention.bytes=-1"),
        ({"retention_ms": str(DAY // 2)}, "keeps 43200 s, less than its window", f"retention.ms={7 * DAY}"),
        (
            {"unclean_leader_election_enable": "true"},
            "acknowledged entries: unclean.leader.election.enable",
            "unclean.leader.election.enable=false",
        ),
        ({"cleanup_policy": "compact"}, "grows for ever", "'cleanup.policy=[compact,delete]'"),
    ],
)
async def test_journal_that_forgets_or_grows(
    cluster: FakeKafka, changes: dict[str, str], told: str, altered: str
) -> None:
    """One failure that says what happens, with the command that puts it right."""
    cluster.alter("journal", **changes)
    (line,) = await _wrong(cluster)
    assert (line.check, line.state) == ("journal", "failed")
    assert told in line.detail
    reached = "--bootstrap-server 'localhost:9092,[::1]:9092'"
    assert line.advice == (
        f"kafka-configs.sh {reached} --alter --entity-type topics --entity-name journal --add-config {altered}"
    )


async def test_command_for_brokers_that_want_more(cluster: FakeKafka) -> None:
    """What TLS or a login needs is in a file: a password stands in no command."""
    cluster.alter("journal", retention_bytes="1")
    client = replace(CLIENT, servers="kafka:9093", protocol="SASL_SSL")
    advice = [line.advice async for line in lines([kafka(cluster.opened, PLAN, client)]) if line.check == "journal"]
    assert advice[0].startswith("kafka-configs.sh --bootstrap-server kafka:9093 --command-config admin.properties --")


async def test_unclean_elections_among_one(cluster: FakeKafka) -> None:
    """With one replica there is nobody to elect."""
    cluster.alter("journal", unclean_leader_election_enable="true")
    cluster.topics["journal"] = replace(cluster.topics["journal"], replication=1)
    assert {line.state for line in await _wrong(cluster)} == {"warning"}


async def test_retention_for_ever(cluster: FakeKafka) -> None:
    """More than enough is right."""
    cluster.alter("journal", retention_ms="-1")
    cluster.alter("dead-letters", retention_ms="-1")
    assert await _wrong(cluster) == []


async def test_configuration_that_may_not_be_read(cluster: FakeKafka) -> None:
    """Nothing is claimed about what is not known."""
    cluster.topics = {name: replace(topic, config=None) for name, topic in cluster.topics.items()}
    assert await _wrong(cluster) == []


async def test_journal_switched_off(cluster: FakeKafka) -> None:
    """Nothing is asked of a journal that is not used."""
    cluster.alter("journal", cleanup_policy="delete")
    cluster.topics["journal"] = replace(cluster.topics["journal"], partitions=1)
    assert await _wrong(cluster, replace(PLAN, journal_enabled=False)) == []


@pytest.mark.parametrize(
    ("given", "states", "setting"),
    [
        (Times(30, 40, 55), ["ok", "ok"], ""),
        (Times(30, 32, 55), ["warning", "ok"], "WORKER_DISPATCH__DRAIN_TIMEOUT"),
        (Times(30, 40, 41), ["ok", "warning"], "WORKER_KAFKA__REBALANCE_TIMEOUT"),
        (Times(50, 40, 30), ["failed", "failed"], "WORKER_KAFKA__REBALANCE_TIMEOUT"),
    ],
)
async def test_times(given: Times, states: list[str], setting: str) -> None:
    """Each must leave room for the one inside it; the line names the setting to change."""
    seen = await _seen(times(given))
    assert [line.state for line in seen] == states
    assert setting in "".join(line.advice for line in seen)


async def _unwell(fake: FakeApi, **asked: str) -> list[Line]:
    return [line for line in await _seen(checked(fake, **asked)) if line.state != "ok"]


@pytest.mark.parametrize(
    ("error", "setting"),
    [
        (LoginRefused("the API answered 401"), "WORKER_API__PASSWORD"),
        (ApiUnavailable("connection refused"), "WORKER_API__BASE_URL"),
    ],
)
async def test_api_that_does_not_let_us_in(error: WorkerError, setting: str) -> None:
    """A failed line with the reason and where to look; what needs a session is named as not tried."""
    seen = await _unwell(FakeApi(error))
    assert str(error) in str(seen[0])
    assert setting in str(seen[0])
    assert [line.check for line in seen if line.detail == "not tried: no session"] == ["create", "search", "attribute"]
    assert exit_code(seen) == 1


@pytest.mark.parametrize(
    ("fake", "check", "state", "told"),
    [
        (FakeApi(reached=503), "api", "failed", "503"),
        (FakeApi(reached=404), "api", "warning", "WORKER_API__CONTEXT_ROOT"),
        (FakeApi(ahead=90), "clock", "warning", "s ahead of ours"),
        (FakeApi(ahead=-90), "clock", "warning", "s behind ours"),
        (FakeApi(refused=403), "create", "failed", "'Create Customer'"),
        (FakeApi(refused=201), "create", "failed", "/customer/1"),
        (FakeApi(refused=500), "create", "warning", "500"),
        (FakeApi(searching=SearchRefused("403")), "search", "failed", "'View Agent Console'"),
        (FakeApi(searching=ApiUnavailable("503")), "search", "failed", "503"),
        (FakeApi(listed=b""), "attribute", "warning", "not known"),
        (FakeApi(listed=b"[]"), "attribute", "warning", "not known"),
        (FakeApi(listed=b'{"attribute":[{"name":"customAttributes.customer.x"}]}'), "attribute", "failed", "RECONCILE"),
        (
            FakeApi(listed=b'{"attribute":[{"name":"customAttributes.customer.externalid","type":"number"}]}'),
            "attribute",
            "failed",
            "of type number",
        ),
    ],
)
async def test_api_that_is_not_as_it_must_be(fake: FakeApi, check: str, state: str, told: str) -> None:
    """One line of that kind says what it is, and everything else was asked as well."""
    (line,) = await _unwell(fake)
    assert (line.check, line.state) == (check, state)
    assert told in str(line)
    assert fake.calls == ["in", "create", "externalid", "out"]


async def test_what_is_not_configured() -> None:
    """Nothing is asked of a search that is never made."""
    fake = FakeApi(searching=SearchRefused("403"))
    assert [line.check for line in await _seen(checked(fake, look_up="none"))][-1] == "create"
    assert [line.check for line in await _unwell(fake, look_up="email")] == ["search"]


async def test_what_a_search_by_email_costs() -> None:
    """It is asked before each POST as well, and whoever sizes the API's load reads it here."""
    *_, search = await _seen(checked(FakeApi(), look_up="email"))
    assert (search.check, search.state) == ("search", "ok")
    assert "twice the calls" in search.detail


@pytest.mark.parametrize(
    ("url", "state"), [("http://crm", "warning"), ("http://127.0.0.1:8090", "ok"), ("https://crm", "ok")]
)
async def test_api_without_tls(url: str, state: str) -> None:
    """It is a warning, but on this machine."""
    first, *_ = await _seen(checked(FakeApi(), url=url))
    assert (first.check, first.state) == ("tls", state)


async def test_certificate_that_ends_soon() -> None:
    """The days are told before it is too late."""

    async def ending() -> tuple[str, float]:
        return "TLSv1.3", time.time() + 29.5 * 86_400

    (line,) = [each for each in await _seen(checked(FakeApi(), certificate=ending)) if each.state != "ok"]
    assert (line.check, line.state) == ("tls", "warning")
    assert line.detail == "TLSv1.3, the certificate ends in 29 days"


async def test_certificate_that_is_not_accepted() -> None:
    """It fails with the reason, and the rest is asked all the same."""

    async def refused() -> tuple[str, float]:
        raise ApiUnavailable("expired")

    seen = await _seen(checked(FakeApi(), certificate=refused))
    assert [(line.check, line.state) for line in seen][:2] == [("tls", "failed"), ("api", "ok")]


def test_line_for_a_person() -> None:
    """State, subject, how it is, what to do."""
    assert str(Line("api", "failed", "refused", "see X")) == "failed  api: refused; see X"
    assert str(Line("api", "ok", "fine")) == "ok      api: fine"


def test_line_for_a_machine() -> None:
    """One JSON object with the same four."""
    told = json.loads(Line("api", "failed", "refused", "see X").as_json())
    assert told == {"check": "api", "state": "failed", "detail": "refused", "advice": "see X"}


# --- where it begins --------------------------------------------------------------------------------------------------


async def of_start(found: Backlog | WorkerError | None) -> list[Line]:
    async def asked() -> Backlog | None:
        if isinstance(found, WorkerError):
            raise found
        return found

    return [line async for line in lines([start(asked, "latest")])]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (
            Backlog(6, begins=6, beginning=12),
            ["begins at latest (WORKER_KAFKA__START), 12 records at most, unless its journal knows some"],
        ),
        (Backlog(6, waiting=7), ["goes on where it is, 7 records wait at most"]),
        (
            Backlog(6, begins=2, beginning=12, waiting=7),
            [
                "2 of 6 partitions: begins at latest (WORKER_KAFKA__START), 12 records at most, unless its journal "
                "knows some",
                "goes on where it is, 7 records wait at most",
            ],
        ),
        (Backlog(1, lost=("requests/0: offset 9 is stored",)), ["requests/0: offset 9 is stored"]),
    ],
)
async def test_start(found: Backlog, told: list[str]) -> None:
    """A first start and one that goes on are told apart, each with how many records it takes."""
    seen = await of_start(found)
    assert [line.detail for line in seen] == told
    assert {line.state for line in seen} == {"failed" if found.lost else "ok"}


@pytest.mark.parametrize("found", [None, KafkaUnavailable("away")])
async def test_start_that_nobody_can_tell(found: WorkerError | None) -> None:
    """It is a warning: what keeps it from being told is told elsewhere."""
    assert [(line.check, line.state) for line in await of_start(found)] == [("start", "warning")]


@dataclass
class FakeRegistry:
    """Keeps schemas of these types, or is not there."""

    kept: list[str] = field(default_factory=lambda: ["PROTOBUF", "AVRO"])
    error: WorkerError | None = None
    guids: bool = True

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["FakeRegistry"]:
        yield self

    async def types(self) -> list[str]:
        if self.error:
            raise self.error
        return self.kept

    async def serves_guids(self) -> bool:
        return self.guids


@pytest.mark.parametrize(
    ("fake", "state", "detail"),
    [
        (FakeRegistry(), "ok", "https://registry keeps schemas of the types AVRO, PROTOBUF, by number and GUID"),
        (
            FakeRegistry([], guids=False),
            "ok",
            "https://registry keeps schemas of the types (none), by number, none by GUID",
        ),
        (FakeRegistry(error=SchemaRegistryUnavailable("answered 401")), "failed", "answered 401"),
    ],
)
async def test_the_schema_registry(fake, state, detail):
    """Asked for something that needs the login and is small."""
    (line,) = [each async for each in lines([registry(fake.opened, "https://registry")])]
    assert (line.check, line.state, line.detail) == ("schema registry", state, detail)


async def test_no_schema_registry():
    """Then there is no line."""
    assert [each async for each in lines([registry(lambda: None, None)])] == []


@pytest.mark.parametrize(("group", "name"), [("events", "mapping"), ("customer", "catalog")])
async def test_a_file_that_run_could_not_read(group: str, name: str, tmp_path: Path) -> None:
    """Nothing is asked of anybody before it is whole."""
    (broken := tmp_path / "broken.toml").write_text("[")
    with pytest.raises(SettingsError, match=r"broken\.toml"):
        await check_all(Settings.model_validate({group: {name: str(broken)}}), None, as_json=True)
