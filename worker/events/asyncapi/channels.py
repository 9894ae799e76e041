"""The channels of the document: the five topics, and what the worker does with them."""

from dataclasses import dataclass
from typing import Any

from worker.events.asyncapi.messages import KAFKA, OF
from worker.topics import Cluster, Plan, TopicSpec, wanted

Node = dict[str, Any]

_ABOUT = {
    "requests": "In: customers to be created.",
    "succeeded": "Out: one event for each customer that exists now.",
    "failed": "Out: one event for each request that failed.",
    "deadLetters": "Out: the record of each failed request, and why it failed.",
    "journal": "The worker's write-ahead journal, which no one else writes; as many partitions as the requests.",
}
# (operation, action, channel): `receive` and `send` as the worker does it.
_OPERATIONS = (
    ("receiveRequest", "receive", "requests", "Create the customer, once."),
    ("sendSucceeded", "send", "succeeded", "Say that the customer exists."),
    ("sendFailed", "send", "failed", "Say that the request failed, after its dead letter is stored."),
    ("sendDeadLetter", "send", "deadLetters", "Keep the record for a person."),
    ("replayDeadLetter", "send", "requests", "On a person's command, a dead letter's record again."),
    ("confirmCustomer", "send", "requests", "On a person's word, which customer an event in doubt has."),
    ("readDeadLetters", "receive", "deadLetters", "For the commands that list, show, replay and resolve them."),
    ("writeJournal", "send", "journal", "Before and after each call of the API."),
    ("readJournal", "receive", "journal", "When a partition is assigned."),
)


@dataclass(frozen=True, slots=True)
class Channels:
    """The topics as `topics create` makes them on three brokers, and the group that reads the requests."""

    plan: Plan
    group_id: str

    def channels(self) -> Node:
        """The channels by name, in the order in which a record passes the topics."""
        specs = wanted(self.plan, Cluster(3, {}))
        named = zip(_ABOUT.items(), self.plan.names(), specs, strict=True)
        return {name: _channel(name, about, setting, spec) for (name, about), (setting, _), spec in named}

    def operations(self) -> Node:
        """The operations by name."""
        return {about[0]: self._operation(*about) for about in _OPERATIONS}

    def _operation(self, name: str, action: str, channel: str, summary: str) -> Node:
        messages = ONLY.get(name, OF[channel])
        group = {"groupId": {"type": "string", "const": self.group_id}} if (action, channel) == GROUPED else {}
        return {
            "action": action,
            "channel": {"$ref": f"#/channels/{channel}"},
            "summary": summary,
            "messages": [{"$ref": f"#/channels/{channel}/messages/{each}"} for each in messages],
            "bindings": {"kafka": {**group, "bindingVersion": KAFKA}},
        }


GROUPED = ("receive", "requests")
ONLY: dict[str, tuple[str, ...]] = {"confirmCustomer": ("confirmed",)}
"""The messages of an operation that has to do with some of its channel's messages only."""


def _channel(name: str, about: str, setting: str, spec: TopicSpec) -> Node:
    return {
        "address": spec.name,
        "description": f"{about} The topic's name is the setting `{setting}`.",
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {each: {"$ref": f"#/components/messages/{each}"} for each in OF[name]},
        "bindings": {
            "kafka": {
                "topic": spec.name,
                "partitions": spec.partitions,
                "replicas": spec.replication,
                "topicConfiguration": {key: _value(key, value) for key, value in spec.config.items()},
                "bindingVersion": KAFKA,
            }
        },
    }


def _value(key: str, value: str) -> list[str] | int | str:
    """A topic's setting as the Kafka binding has it: policies as a list, numbers as numbers."""
    if key == "cleanup.policy":
        return value.split(",")
    return int(value) if value.removeprefix("-").isdigit() else value
