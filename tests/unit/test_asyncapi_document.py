"""The AsyncAPI document: complete, closed in itself, and the same each time."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from builders import record
from jsonschema import Draft7Validator, Draft202012Validator
from typer.testing import CliRunner

from worker import wiring
from worker.cli import app
from worker.events import asyncapi, letter_headers
from worker.events.letter_schema import letter_headers_schema
from worker.journal.entries import Claim, Finished, Intent, Released, encode
from worker.model.commands import Request
from worker.model.outcomes import Failed, HttpAnswer, Reason, ReasonCode, Succeeded, Violation
from worker.settings.kafka import Kafka
from worker.settings.settings import Settings, Topics
from worker.topics import Plan

DOCUMENT = asyncapi.asyncapi(*wiring.described(Settings()))
FAILED = Failed(Reason(ReasonCode.REJECTED, "no", (Violation("pin", "type"),), HttpAnswer(400, "400-101")), 1)


def nodes(node: Any, path: str = "#") -> Iterator[tuple[str, Any]]:
    yield path, node
    named = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, below in named:
        yield from nodes(below, f"{path}/{name}")


def valid(name: str, instance: Any) -> bool:
    """Whether it is what that component's schema says, in the dialect that AsyncAPI has by default."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    return Draft7Validator(schema).is_valid(instance)


def test_references() -> None:
    """Each leads to something in the document."""
    places = {path for path, _ in nodes(DOCUMENT)}
    references = [node["$ref"] for _, node in nodes(DOCUMENT) if isinstance(node, dict) and "$ref" in node]
    assert len(references) > 50
    assert [each for each in references if each not in places] == []


def test_channels() -> None:
    """One for each topic of the plan, with the setting that names it and what `topics create` makes."""
    channels = DOCUMENT["channels"].values()
    assert [each["address"] for each in channels] == [name for _, name in Plan().names()]
    assert all(setting in each["description"] for (setting, _), each in zip(Plan().names(), channels, strict=True))
    journal = DOCUMENT["channels"]["journal"]["bindings"]["kafka"]
    assert journal["topicConfiguration"]["cleanup.policy"] == ["compact", "delete"]
    assert journal["topicConfiguration"]["retention.ms"] == Plan().journal_retention
    assert journal["partitions"] == DOCUMENT["channels"]["requests"]["bindings"]["kafka"]["partitions"]


def test_messages() -> None:
    """Every message is in a channel, every channel is read or written, and every schema is a schema."""
    used = {name for each in DOCUMENT["channels"].values() for name in each["messages"]}
    assert used == set(DOCUMENT["components"]["messages"])
    operated = {each["channel"]["$ref"].rpartition("/")[2] for each in DOCUMENT["operations"].values()}
    assert operated == set(DOCUMENT["channels"])
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft7Validator.check_schema(schema)
    assert valid(
        "customer", {"type": {"value": "individual"}, "contactPersons": {"contactPerson": [{"firstName": "J"}]}}
    )
    assert not valid("customer", {"type": {"value": "individual"}, "shoeSize": "42"})


@pytest.mark.parametrize(
    "entry",
    [Intent(1), Released(0), Finished(FAILED), Finished(Succeeded("1", "/1", "individual", 1)), Claim("w")],
)
def test_journal(entry: Intent | Released | Finished | Claim) -> None:
    """What the worker writes is what the document says, each state as its own."""
    told = orjson.loads(encode(entry))
    name, other = ("journalClaim", "journalEntry") if isinstance(entry, Claim) else ("journalEntry", "journalClaim")
    assert valid(name, told)
    assert not valid(other, told)


def test_dead_letter_headers() -> None:
    """The schema has exactly the headers that are written, and holds for them."""
    request = Request("urn:crm", "17")
    written = letter_headers.added(FAILED, record(b"x"), request, 0.0, "group")
    marks = {letter_headers.PAYLOAD, letter_headers.ORIGINAL, letter_headers.VALUE, letter_headers.HEADERS}
    marks.add(letter_headers.CUSTOMER_EXISTS)
    schema = letter_headers_schema()
    assert set(schema["properties"]) == {name for name, _ in written} | marks
    Draft202012Validator(schema).validate(
        {name: value.decode("latin-1") for name, value in written if value is not None}
    )
    bare = letter_headers.added(Failed(Reason(ReasonCode.UNDECODABLE, "no")), record(b"x"), request, 0.0, "group")
    assert set(schema["required"]) <= {name for name, _ in bare}


@pytest.mark.parametrize(
    ("kafka", "protocol", "security"),
    [
        ({}, "kafka", None),
        ({"security_protocol": "SSL"}, "kafka-secure", None),
        ({"security_protocol": "SSL", "cert_file": "c.pem"}, "kafka-secure", "X509"),
        ({"security_protocol": "SASL_PLAINTEXT"}, "kafka", "plain"),
        (
            {"security_protocol": "SASL_SSL", "sasl_mechanism": "OAUTHBEARER", "oauth_token_file": "token"},
            "kafka-secure",
            "http",
        ),
        ({"security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-512"}, "kafka-secure", "scramSha512"),
    ],
)
def test_ways_in(kafka: dict[str, str], protocol: str, security: str | None) -> None:
    """The server is as the settings say."""
    document = asyncapi.asyncapi(*wiring.described(Settings(kafka=Kafka.model_validate(kafka))))
    server = document["servers"]["kafka"]
    schemes = [
        document["components"]["securitySchemes"][each["$ref"].rpartition("/")[2]]
        for each in server.get("security", [])
    ]
    assert (server["protocol"], [each["type"] for each in schemes]) == (protocol, [security] if security else [])


def test_named_topics() -> None:
    """The document is about the topics and the group of the settings."""
    settings = Settings(topics=Topics(failed="crm.failed"), kafka=Kafka(group_id="crm"))
    document = asyncapi.asyncapi(*wiring.described(settings))
    assert document["channels"]["failed"]["address"] == "crm.failed"
    assert document["operations"]["receiveRequest"]["bindings"]["kafka"]["groupId"]["const"] == "crm"


def test_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """It prints the same document each time, and no password."""
    monkeypatch.setenv("WORKER_KAFKA__SECURITY_PROTOCOL", "SASL_SSL")
    monkeypatch.setenv("WORKER_KAFKA__PASSWORD", "s3cret")
    printed = [CliRunner().invoke(app, ["schema", "asyncapi"]).stdout for _ in range(2)]
    assert printed[0] == printed[1]
    assert orjson.loads(printed[0])["asyncapi"] == "3.0.0"
    assert "s3cret" not in printed[0]
