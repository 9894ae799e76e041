"""The whole document: the server, the topics, their messages and schemas."""

from dataclasses import dataclass
from typing import Any

from worker import __version__
from worker.events.asyncapi.channels import Channels
from worker.events.asyncapi.messages import messages
from worker.events.schema import events_schema

Node = dict[str, Any]

_DEFINITIONS, _SCHEMAS = "#/$defs/", "#/components/schemas/"
_SECURITY: Node = {
    "PLAIN": {"type": "plain", "description": "SASL PLAIN, over TLS."},
    "SCRAM-SHA-256": {"type": "scramSha256"},
    "SCRAM-SHA-512": {"type": "scramSha512"},
    "OAUTHBEARER": {"type": "http", "scheme": "bearer", "description": "SASL OAUTHBEARER."},
    "AWS_MSK_IAM": {"type": "http", "scheme": "bearer", "description": "SASL OAUTHBEARER, signed by AWS IAM."},
    "certificate": {"type": "X509", "description": "Mutual TLS."},
}


@dataclass(frozen=True, slots=True)
class Server:
    """Where the topics are, and how the worker logs in.

    `login` is one of the security schemes, None without a login.
    """

    hosts: str
    tls: bool = False
    login: str | None = None


def asyncapi(server: Server, channels: Channels) -> Node:
    """The AsyncAPI 3.0 document; the same settings always give the same document."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Customer worker",
            "version": __version__,
            "description": "Creates customers in a CRM from Kafka events, without creating one twice.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
            "tags": [{"name": "customer"}, {"name": "crm"}],
        },
        "defaultContentType": "application/cloudevents+json",
        "servers": {"kafka": _server(server)},
        "channels": channels.channels(),
        "operations": channels.operations(),
        "components": {"securitySchemes": _SECURITY, "schemas": _schemas(), "messages": messages()},
    }


def _server(server: Server) -> Node:
    security = {"security": [{"$ref": f"#/components/securitySchemes/{server.login}"}]} if server.login else {}
    return {
        "host": server.hosts,
        "protocol": "kafka-secure" if server.tls else "kafka",
        "description": "`WORKER_KAFKA__BOOTSTRAP_SERVERS`; how to get in is `WORKER_KAFKA__SECURITY_PROTOCOL`.",
        **security,
    }


def _schemas() -> Node:
    """The schemas of the events, and of what else is in the topics."""
    definitions: Node = _moved(events_schema()["$defs"])
    return {**definitions, "anything": {"description": "Whatever the record held."}, **_journal()}


def _journal() -> Node:
    count = {"type": "integer", "minimum": 0}
    return {
        "journalClaim": _state("claim", writer={"type": "string"}),
        "journalEntry": {
            "oneOf": [
                _state("intent", attempt=count),
                _state("released", attempt=count),
                _state("finished", outcome={"type": "object"}),
            ]
        },
    }


def _state(state: str, **fields: Node) -> Node:
    properties = {"state": {"const": state}, **fields}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _moved(node: Any) -> Any:  # noqa: ANN401  any JSON
    """The same schema, with its references pointing to where AsyncAPI keeps schemas."""
    if isinstance(node, list):
        return [_moved(each) for each in node]
    if isinstance(node, dict):
        return {name: _moved(each) for name, each in node.items()}
    return node.replace(_DEFINITIONS, _SCHEMAS, 1) if isinstance(node, str) and node.startswith(_DEFINITIONS) else node
