"""How Kafka is reached, as which member of which group, and which topics there are."""

import socket
from datetime import datetime

from worker.events.asyncapi import Channels, Server
from worker.intake.beginnings import Start
from worker.journal.entries import Owner
from worker.journal.terms import Terms
from worker.journal.topic_config import kept_window
from worker.kafka.connection import Connection
from worker.kafka.expansion import bound
from worker.kafka.membership import Membership
from worker.settings.settings import Settings
from worker.topics import DAY, Cluster, Plan
from worker.wiring.login import tokens
from worker.wiring.replica import instance


def connection(settings: Settings) -> Connection:
    """How every Kafka client connects; it also bounds how large a batch may become for any of them."""
    kafka = settings.kafka
    bound(kafka.max_batch_bytes)
    return Connection(
        kafka.bootstrap_servers,
        client_id=kafka.client_id,
        security_protocol=kafka.security_protocol,
        sasl_mechanism=kafka.sasl_mechanism,
        username=kafka.username,
        password=kafka.password.get_secret_value() if kafka.password else None,
        ca_file=kafka.ca_file,
        cert_file=kafka.cert_file,
        key_file=kafka.key_file,
        tokens=tokens(kafka),
    )


def membership(settings: Settings) -> Membership:
    """How this process takes part in the group."""
    kafka = settings.kafka
    return Membership(
        settings.topics.requests,
        kafka.group_id,
        session_timeout=kafka.session_timeout,
        rebalance_timeout=settings.rebalance_timeout,
        group_instance_id=instance(kafka.group_instance_id, socket.gethostname()),
    )


def start(settings: Settings) -> Start:
    """Where a group begins that has stored nothing yet."""
    match settings.kafka.start:
        case "earliest" | "latest" as place:
            return place
        case moment:
            return int(datetime.fromisoformat(moment).timestamp() * 1000)


def plan(settings: Settings) -> Plan:
    """Names and sizes of the topics."""
    topics, journal = settings.topics, settings.journal
    return Plan(
        topics.requests,
        topics.succeeded,
        topics.failed,
        topics.dead_letters,
        topics.journal,
        partitions=topics.partitions,
        replication_factor=topics.replication_factor,
        window=journal.window,
        journal_enabled=journal.enabled,
    )


def described(settings: Settings) -> tuple[Server, Channels]:
    """What an AsyncAPI document is about: the brokers, the topics and the group."""
    kafka = settings.kafka
    tls = kafka.security_protocol.endswith("SSL")
    sasl = kafka.sasl_mechanism if kafka.security_protocol.startswith("SASL") else None
    login = sasl or ("certificate" if tls and kafka.cert_file else None)
    return Server(kafka.bootstrap_servers, tls, login), Channels(plan(settings), kafka.group_id)


def owner(settings: Settings) -> Owner:
    """Whose requests are worked on here, as our claims say it."""
    return Owner(settings.kafka.group_id, settings.topics.requests)


def terms(settings: Settings, cluster: Cluster) -> Terms:
    """What holds for every claim of a partition; the window is no longer than what the topic keeps."""
    given = settings.journal
    window = kept_window(plan(settings), cluster)
    return Terms(window, given.max_entries, given.intent_ttl, renewal=min(DAY / 1000, window / 4))
