"""The connections of one of aiokafka's clients: one that is gone meanwhile is one that is closed, and no defect."""

from typing import Any

from aiokafka.errors import KafkaConnectionError


class Closed:
    """In the place of a connection that is not there any more."""

    def connected(self) -> bool:
        """Never."""
        return False

    def send(self, *_: object, **__: object) -> None:
        """As a closed connection does."""
        raise KafkaConnectionError("the connection is closed")

    def close(self, *_: object, **__: object) -> None:
        """There is nothing left to close."""


class Connections(dict[Any, Any]):
    """Who waits for an answer in vain closes the connection that stands at its place (docs: kafka, a late answer).

    Another task may have found it broken and dropped it: both hear of it at once where the process stood still. The
    client would raise a KeyError then, which ends its own background tasks and is no error of Kafka's to anybody.
    """

    def __missing__(self, _: object) -> Closed:
        return Closed()
