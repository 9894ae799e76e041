"""The connections of one of aiokafka's clients: one that is gone counts as closed, and not as a defect."""

from typing import Any

from aiokafka.errors import KafkaConnectionError


class Closed:
    """Stands for a connection that is not there any more."""

    def connected(self) -> bool:
        """False: it is closed."""
        return False

    def send(self, *_: object, **__: object) -> None:
        """Raise KafkaConnectionError, as a closed connection does."""
        raise KafkaConnectionError("the connection is closed")

    def close(self, *_: object, **__: object) -> None:
        """Do nothing: there is nothing left to close."""


class Connections(dict[Any, Any]):
    """A client's connections; in place of one that is missing there is a `Closed`.

    Who waits for an answer in vain closes the connection that stands at its place (docs: kafka, a late answer).
    Another task may have found it broken, too, and dropped it: after a standstill of the process both notice at once.
    The client would raise a KeyError then, which ends its own background tasks and is no error of Kafka's to anybody.
    """

    def __missing__(self, _: object) -> Closed:
        return Closed()
