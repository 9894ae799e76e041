"""Why Kafka could not be reached, in one line that a person can act on.

aiokafka raises the same error for every reason and tells the reason only to its log (docs: kafka, failed logins).
"""

import logging
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiokafka import TopicPartition
from aiokafka.errors import (
    BrokerResponseError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    InconsistentGroupProtocolError,
    InvalidGroupIdError,
    InvalidSessionTimeoutError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    NodeNotReadyError,
    RequestTimedOutError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    UnknownTopicOrPartitionError,
    UnsupportedSaslMechanismError,
)

from worker.kafka.login.tokens import NoToken, TokenRefused
from worker.model.errors import KafkaUnavailable, StartupError

UNREACHABLE = (OSError, TimeoutError, KafkaConnectionError, KafkaTimeoutError, NodeNotReadyError, RequestTimedOutError)
SERVERS = "WORKER_KAFKA__BOOTSTRAP_SERVERS"
PROTOCOL = "WORKER_KAFKA__SECURITY_PROTOCOL"
# What the brokers refuse, in words, and the settings that it comes from.
REFUSED: tuple[tuple[type[BrokerResponseError], str, str], ...] = (
    (
        InvalidSessionTimeoutError,
        "the session timeout is outside of what the brokers take (their group.min and group.max.session.timeout.ms)",
        "WORKER_KAFKA__SESSION_TIMEOUT",
    ),
    (InvalidGroupIdError, "no such name for a group", "WORKER_KAFKA__GROUP_ID"),
    (
        InconsistentGroupProtocolError,
        "the group has other members, which share partitions out in another way",
        "WORKER_KAFKA__GROUP_ID",
    ),
    (ClusterAuthorizationFailedError, "a right on the cluster is missing", "WORKER_KAFKA__USERNAME"),
    (TransactionalIdAuthorizationFailed, "no right to Write the transactional id", "WORKER_KAFKA__USERNAME"),
)
NO_TOPIC = "it does not exist, or has no such partition"
LOGIN = "WORKER_KAFKA__USERNAME, WORKER_KAFKA__PASSWORD, WORKER_KAFKA__SASL_MECHANISM"


AddressOf = Callable[[object], str | None]
"""Where a broker of that id is, as the brokers themselves say (`advertised.listeners`); None where nobody knows."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error, and the id of the broker where it was met; None where that was an address of our own settings."""

    error: BaseException
    broker: object = None


class Collected(logging.Handler):
    """A log handler that keeps the errors of aiokafka's lines.

    A line's arguments are (host, port, error) for an address of our settings, (broker id, error) for other brokers.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.failures: list[Failure] = []

    def emit(self, record: logging.LogRecord) -> None:
        match record.args:
            case (broker, BaseException() as error):
                self.failures.append(Failure(error, broker))
            case (*_, BaseException() as error):
                self.failures.append(Failure(error))
            case _:
                pass
        del self.failures[:-20]


@contextmanager
def explained(servers: str, protocol: str, address_of: AddressOf = lambda _: None) -> Iterator[None]:
    """Turn what aiokafka raises inside into KafkaUnavailable, or StartupError where waiting would not help.

    The reason is known only where logging lets aiokafka's warnings through; a handler may drop them afterwards.
    """
    log = logging.getLogger("aiokafka")
    collected = Collected()
    log.addHandler(collected)
    try:
        yield
    except UNREACHABLE as error:
        told = reason(collected.failures or [Failure(error)], servers, protocol, address_of)
        raise KafkaUnavailable(told) from None
    except BrokerResponseError as error:
        refused = KafkaUnavailable if error.retriable else StartupError
        raise refused(f"Kafka at {servers} refused: {in_words(error) or f'{describe(error)} ({SERVERS})'}") from None
    except KafkaError as error:
        raise KafkaUnavailable(f"Kafka at {servers} ({SERVERS}): {type(error).__name__}") from None
    finally:
        log.removeHandler(collected)


def named(error: Exception, operation: str = "Read", topic: str | None = None) -> str:
    """The error in words, or its name. `operation` is what was tried on the topic, for a right that is missing.

    `topic` is the one that was asked about: not every error of the client's names it.
    """
    return in_words(error, operation, topic) or type(error).__name__


def unread(place: TopicPartition, error: Exception) -> KafkaUnavailable:
    """What to raise where the partition could not be read."""
    return KafkaUnavailable(f"{place.topic}/{place.partition}: {named(error, topic=place.topic)}")


def in_words(error: Exception, operation: str = "Read", topic: str | None = None) -> str | None:
    """The error in words, where it is about a missing right or topic, or something else that the brokers refuse."""
    known = error.args and isinstance(error.args[0], str)
    match error:
        case TopicAuthorizationFailedError():
            name = error.args[0] if known else topic
            topic = f"topic {name}" if name else "the topic"
            return f"no right to {operation} {topic} (WORKER_KAFKA__USERNAME)"
        case UnknownTopicOrPartitionError():
            return NO_TOPIC
        case GroupAuthorizationFailedError():
            group = f"group {error.args[0]}" if known else "the group"
            return f"no right to Read {group} (WORKER_KAFKA__GROUP_ID, WORKER_KAFKA__USERNAME)"
        case _:
            return next((f"{said} ({settings})" for kind, said, settings in REFUSED if isinstance(error, kind)), None)


def describe(error: BrokerResponseError) -> str:
    """The broker's error in words, without what the client adds about itself."""
    return (error.description or type(error).__name__).strip().rstrip(".")


def reason(failures: list[Failure], servers: str, protocol: str, address_of: AddressOf) -> str:
    """One line: where, what happened, which setting to look at; the most telling of the errors decides.

    Where the error was met at a broker that other brokers name, that broker's address is what failed, and not ours.
    """
    (_, told), broker = min(
        ((_told(each.error, protocol), each.broker) for each in failures), key=lambda each: each[0][0]
    )
    address = None if broker is None else address_of(broker)
    if address is None or address in servers.replace(" ", "").split(","):
        return f"cannot use Kafka at {servers} ({SERVERS}): {told}"
    named_by = f"Kafka at {servers} ({SERVERS}) names {address} as one of its brokers"
    return f"{named_by}, which cannot be used: {told} (advertised.listeners of that broker)"


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
    (TokenRefused, lambda error, _: str(error.args[0])),
    (NoToken, lambda error, _: str(error.args[0])),
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
