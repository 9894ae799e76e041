"""A connection to a broker that fails only with errors that aiokafka's client handles.

Any other error ends a background task of the client, which never restarts one. Without its metadata task, for example,
the client never learns of a leader that has moved.
"""

import socket
from collections.abc import Awaitable
from typing import Any

from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError, KafkaError


class Wire(AIOKafkaConnection):
    """A connection of aiokafka, with all its failures turned into errors that the client handles."""

    async def connect(self) -> Any:  # noqa: ANN401  aiokafka has no types
        """Connect.

        A malformed host name raises OSError, and an answer that is not Kafka's raises KafkaConnectionError.
        """
        try:
            return await super().connect()  # type: ignore[no-untyped-call]  # as above
        except (KafkaError, OSError, TimeoutError):
            raise
        except UnicodeError as error:
            raise socket.gaierror(socket.EAI_NONAME, "no name of a host") from error
        except Exception as error:
            raise KafkaConnectionError(f"no broker at {self.host}:{self.port}: {type(error).__name__}") from error

    def connected(self) -> bool:
        """Whether the connection is usable; False as soon as it was reset.

        The client learns of a reset only some turns of the event loop later. Until then uvloop raises RuntimeError for
        what is written (docs: kafka, a reset connection).
        """
        reader = self._reader
        return reader is not None and reader.exception() is None and not reader.at_eof()

    def send(self, request: Any, expect_response: bool = True) -> Awaitable[Any]:  # noqa: ANN401, FBT001, FBT002  as above
        """Send the request and return its answer; KafkaConnectionError if the connection is closed."""
        if not self.connected():
            raise KafkaConnectionError(f"the connection to {self.host}:{self.port} is closed")
        sent: Awaitable[Any] = super().send(request, expect_response)  # type: ignore[no-untyped-call]  # as above
        return sent
