"""The configuration of the local Kafka: one node, quick to start, small."""

from collections.abc import Mapping

HOST = "127.0.0.1"
BACKSLASH = "\\"
# Together: 2.7 s to start on two cores, 210 MB resident.
JVM_OPTIONS = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    # Kafka's codecs are native libraries; without these two lines the JVM warns at every start.
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
)
PLAIN = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    # A node that is starved for seconds is not gone: its own controller would have it lead nothing, and name no broker.
    "broker.session.timeout.ms": "9000",
    "broker.heartbeat.interval.ms": "200",
    "default.replication.factor": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    # The 10 MiB of each index are written out at their first entry: hundreds of partitions stall for seconds.
    "log.index.size.max.bytes": "262144",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "4",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
    # By default a fourth of the heap, held from the start.
    "log.cleaner.dedupe.buffer.size": "16777216",
}
LOGGING = """\
status=off
appender.file.type=RollingFile
appender.file.name=file
appender.file.fileName={file}
appender.file.filePattern={file}.%i
appender.file.policies.type=Policies
appender.file.policies.size.type=SizeBasedTriggeringPolicy
appender.file.policies.size.size=10MB
appender.file.strategy.type=DefaultRolloverStrategy
appender.file.strategy.max=1
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=%d{{ISO8601}} %p %c{{1}}: %m%n%ex{{3}}
rootLogger.level=warn
rootLogger.appenderRef.file.ref=file
"""


def host_of(protocol: str) -> str:
    """The host to connect to: with TLS the name, as the certificate is made for it and not for the address."""
    return "localhost" if "SSL" in protocol.split("_") else HOST


def server_properties(
    ports: Mapping[str, int], protocols: Mapping[str, str], extra: Mapping[str, str]
) -> dict[str, str]:
    """The broker's properties.

    `ports` and `protocols` are by listener, with CONTROLLER; `extra` overrides the others.
    """
    listeners = {name: f"{name}://{HOST}:{port}" for name, port in ports.items()}
    advertised = [f"{name}://{host_of(protocols[name])}:{port}" for name, port in ports.items() if name != "CONTROLLER"]
    return {
        **PLAIN,
        "listeners": ",".join(listeners.values()),
        "advertised.listeners": ",".join(advertised),
        "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol in protocols.items()),
        "controller.quorum.voters": f"1@{HOST}:{ports['CONTROLLER']}",
        **extra,
    }


def as_text(properties: Mapping[str, str]) -> str:
    """The properties as the text of a Java properties file."""
    return "".join(f"{name}={value.replace(BACKSLASH, BACKSLASH * 2)}\n" for name, value in properties.items())
