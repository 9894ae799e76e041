"""One connection to a broker: whatever breaks it, or makes none, is an error that aiokafka's client knows.

Any other ends a background task of the client, which begins none again: that of the metadata for one, without which a
leader that has moved is found by nobody.
"""

import socket
from collections.abc import Awaitable
from typing import Any

from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError, KafkaError


class Wire(AIOKafkaConnection):
    """As aiokafka's."""

    async def connect(self) -> Any:  # noqa: ANN401  aiokafka has no types
        """Also where a host's name is none, or a broker answers what is no answer."""
        try:
            return await super().connect()  # type: ignore[no-untyped-call]  # as above
        except (KafkaError, OSError, TimeoutError):
            raise
        except UnicodeError as error:
            raise socket.gaierror(socket.EAI_NONAME, "no name of a host") from error
        except Exception as error:
            raise KafkaConnectionError(f"no broker at {self.host}:{self.port}: {type(error).__name__}") from error

    def connected(self) -> bool:
        """Not any more once it was reset, which the client hears of some turns of the loop later.

        Until then uvloop refuses what is written by a RuntimeError (docs: kafka, a reset connection).
        """
        reader = self._reader
        return reader is not None and reader.exception() is None and not reader.at_eof()

    def send(self, request: Any, expect_response: bool = True) -> Awaitable[Any]:  # noqa: ANN401, FBT001, FBT002  as above
        """Its answer."""
        if not self.connected():
            raise KafkaConnectionError(f"the connection to {self.host}:{self.port} is closed")
        sent: Awaitable[Any] = super().send(request, expect_response)  # type: ignore[no-untyped-call]  # as above
        return sent
