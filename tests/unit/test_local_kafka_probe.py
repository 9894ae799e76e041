import socket
import struct

from worker.sandbox.kafka_probe import _cluster_id, free_port, is_free
from worker.sandbox.kafka_properties import as_text, server_properties


def string(value: str | None) -> bytes:
    return struct.pack(">h", -1) if value is None else struct.pack(">h", len(value)) + value.encode()


def broker(node: int, rack: str | None) -> bytes:
    return struct.pack(">i", node) + string("127.0.0.1") + struct.pack(">i", 9092) + string(rack)


def test_brokers_with_and_without_rack() -> None:
    """The cluster's id stands behind the brokers, whatever is in them."""
    answer = struct.pack(">iii", 1, 0, 2) + broker(1, None) + broker(2, "rack") + string("cluster") + b"rest"
    assert _cluster_id(answer) == "cluster"


def test_no_broker_is_alive_yet() -> None:
    """A controller without a broker is not ready."""
    assert _cluster_id(struct.pack(">iii", 1, 0, 0) + string("cluster")) is None


def test_free_port() -> None:
    """It lies outside the range of outgoing connections, and is not free once somebody listens on it."""
    port = free_port()
    assert 20_000 <= port < 32_000
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)


def test_further_listener() -> None:
    """It is added to the plain ones; TLS is advertised by the name that a certificate vouches for."""
    ports = {"PLAINTEXT": 1, "CONTROLLER": 2, "SASLS": 3}
    protocols = {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT", "SASLS": "SASL_SSL"}
    properties = server_properties(ports, protocols, {"num.io.threads": "1"})
    assert properties["listeners"] == "PLAINTEXT://127.0.0.1:1,CONTROLLER://127.0.0.1:2,SASLS://127.0.0.1:3"
    assert properties["advertised.listeners"] == "PLAINTEXT://127.0.0.1:1,SASLS://localhost:3"
    assert properties["listener.security.protocol.map"].endswith(",SASLS:SASL_SSL")
    assert properties["num.io.threads"] == "1"


def test_backslash_in_a_value() -> None:
    """Java reads it as it was meant."""
    assert as_text({"a": r"x\y"}) == "a=x\\\\y\n"


def test_ports_of_one_broker(monkeypatch) -> None:
    """No two of its listeners are given the same one, although nobody listens yet."""
    drawn = iter([1, 1, 2])
    monkeypatch.setattr("secrets.randbelow", lambda _: next(drawn))
    monkeypatch.setattr("worker.sandbox.kafka_probe.is_free", lambda _: True)
    first = free_port()
    assert free_port(besides=[first]) == first + 1
