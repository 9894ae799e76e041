"""Why Kafka could not be reached, in one line that a person can act on.

aiokafka raises the same error for every reason and tells the reason only to its log (facts row 39).
"""

import logging
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aiokafka.errors import (
    BrokerResponseError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    NodeNotReadyError,
    RequestTimedOutError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    UnsupportedSaslMechanismError,
)

from worker.errors import KafkaUnavailable, StartupError

UNREACHABLE = (OSError, TimeoutError, KafkaConnectionError, KafkaTimeoutError, NodeNotReadyError, RequestTimedOutError)
SERVERS = "WORKER_KAFKA__BOOTSTRAP_SERVERS"
PROTOCOL = "WORKER_KAFKA__SECURITY_PROTOCOL"
NO_TOPIC = "it does not exist, or has no such partition"
LOGIN = "WORKER_KAFKA__USERNAME, WORKER_KAFKA__PASSWORD, WORKER_KAFKA__SASL_MECHANISM"


class Collected(logging.Handler):
    """Keeps the errors that aiokafka's log lines are about."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.errors: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        arguments = record.args if isinstance(record.args, tuple) else ()
        self.errors += [argument for argument in arguments if isinstance(argument, BaseException)][:1]
        del self.errors[:-20]


@contextmanager
def explained(servers: str, protocol: str) -> Iterator[None]:
    """Turn what aiokafka raises inside into KafkaUnavailable, or StartupError where waiting would not help.

    The reason is known only where logging lets aiokafka's warnings through; a handler may drop them afterwards.
    """
    log = logging.getLogger("aiokafka")
    collected = Collected()
    log.addHandler(collected)
    try:
        yield
    except UNREACHABLE as error:
        raise KafkaUnavailable(reason(collected.errors or [error], servers, protocol)) from None
    except BrokerResponseError as error:
        refused = KafkaUnavailable if error.retriable else StartupError
        raise refused(f"Kafka at {servers} ({SERVERS}) refused: {in_words(error) or describe(error)}") from None
    except KafkaError as error:
        raise KafkaUnavailable(f"Kafka at {servers} ({SERVERS}): {type(error).__name__}") from None
    finally:
        log.removeHandler(collected)


def named(error: Exception, operation: str = "Read") -> str:
    """The right or the topic that is missing, `operation` being what was tried on it; the name of any other error."""
    return in_words(error, operation) or type(error).__name__


def in_words(error: Exception, operation: str = "Read") -> str | None:
    """The right or the topic that is missing, where that is what the error is about."""
    known = error.args and isinstance(error.args[0], str)
    match error:
        case TopicAuthorizationFailedError():
            topic = f"topic {error.args[0]}" if known else "the topic"
            return f"no right to {operation} {topic} (WORKER_KAFKA__USERNAME)"
        case UnknownTopicOrPartitionError():
            return NO_TOPIC
        case GroupAuthorizationFailedError():
            group = f"group {error.args[0]}" if known else "the group"
            return f"no right to Read {group} (WORKER_KAFKA__GROUP_ID, WORKER_KAFKA__USERNAME)"
        case _:
            return None


def describe(error: BrokerResponseError) -> str:
    """The broker's error in words, without what the client knows about itself."""
    return (error.description or type(error).__name__).strip().rstrip(".")


def reason(errors: list[BaseException], servers: str, protocol: str) -> str:
    """One line: where, what happened, which setting to look at; the most telling of the errors decides."""
    told = min((_told(error, protocol) for error in errors), default=NOTHING)
    return f"cannot use Kafka at {servers} ({SERVERS}): {told[1]}"


def _told(error: BaseException, protocol: str) -> tuple[int, str]:
    for place, (kind, say) in enumerate(TELLING):
        if isinstance(error, kind) and "Unable to bootstrap" not in str(error):
            return place, say(error, protocol)
    return NOTHING


def _certificate(error: BaseException, _: str) -> str:
    why = error.verify_message.rstrip(".") if isinstance(error, ssl.SSLCertVerificationError) else ""
    setting = f"name the broker as its certificate does, {SERVERS}" if "mismatch" in why else "WORKER_KAFKA__CA_FILE"
    return f"its certificate was not accepted: {why} ({setting})"


def _tls(error: BaseException, _: str) -> str:
    if "ALERT" in str(error).upper():
        return "it refused the worker's certificate (WORKER_KAFKA__CERT_FILE, WORKER_KAFKA__KEY_FILE)"
    return f"it does not speak TLS there ({PROTOCOL})"


def _closed(_: BaseException, protocol: str) -> str:
    certificate = ", WORKER_KAFKA__CERT_FILE" if protocol == "SSL" else ""
    return f"it closed the connection; is {protocol} what it expects there? ({PROTOCOL}{certificate})"


def _system(error: BaseException, _: str) -> str:
    if isinstance(error, ConnectionRefusedError) or "Connect call failed" in str(error):
        return "connection refused; is it running?"
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__


Say = Callable[[BaseException, str], str]

# From the most to the least telling; a subclass stands before its class.
TELLING: tuple[tuple[type[BaseException], Say], ...] = (
    (SaslAuthenticationFailed, lambda *_: f"it refused the login ({LOGIN})"),
    (
        UnsupportedSaslMechanismError,
        lambda *_: f"it does not offer that login (WORKER_KAFKA__SASL_MECHANISM, {PROTOCOL})",
    ),
    (IllegalSaslStateError, lambda *_: f"it expects no login there ({PROTOCOL})"),
    (ssl.SSLCertVerificationError, _certificate),
    (ssl.SSLError, _tls),
    (KafkaConnectionError, _closed),
    (ConnectionResetError, _closed),
    (TimeoutError, lambda *_: "no answer in time"),
    (RequestTimedOutError, lambda *_: "no answer in time"),
    (socket.gaierror, lambda *_: "no such host"),
    (OSError, _system),
)
NOTHING = (len(TELLING), "no broker answered")
