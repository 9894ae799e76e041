import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import commands_of

from worker.cli import app
from worker.console.serve import guarded
from worker.customer_api.session import LOGOUT_WITHIN
from worker.settings import sources as configuration
from worker.settings.settings import Settings
from worker.stopping import AFTER_DRAIN
from worker.topics import Plan

STACK: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = STACK["services"]
BUILT = {name: service for name, service in SERVICES.items() if "build" in service}
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("customer-worker:")}
EVERY = pytest.mark.parametrize("name", SERVICES)


def settings_of(name: str) -> Settings:
    """As the service reads them; variables that the shell may give have their defaults."""
    told = {key: str(value).partition(":-")[2].rstrip("}") or str(value) for key, value in environment_of(name).items()}
    return configuration.load(environment=told, dotenv=Path("none"), secrets=Path("none"))


def environment_of(name: str) -> dict[str, Any]:
    environment: dict[str, Any] = SERVICES[name]["environment"]
    return environment


@EVERY
def test_least_rights(name: str) -> None:
    """A service can change nothing but what it was given to change, and gets no further rights."""
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices", "user"} & set(service)


@EVERY
def test_limits(name: str) -> None:
    """No service can take the machine from the others."""
    assert {"mem_limit", "cpus", "pids_limit"} <= set(SERVICES[name])
    assert SERVICES[name]["logging"]["options"]["max-size"]


@EVERY
def test_ports_on_loopback(name: str) -> None:
    """Nobody outside this machine reaches what has no password."""
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@EVERY
def test_images_by_version(name: str) -> None:
    """What is started tomorrow is what was started today."""
    image, _, version = SERVICES[name]["image"].partition(":")
    assert image
    assert version not in {"", "latest"}


def test_built_once() -> None:
    """By one service, which every profile starts; whoever runs the image takes that one, and pulls none."""
    assert BUILT.keys() == {"topics"}
    assert "profiles" not in SERVICES["topics"]
    assert set(OURS) == {"topics", "sandbox", "worker", "trial", "console", "audit"}
    assert {service["image"] for service in OURS.values()} == {BUILT["topics"]["image"]}
    assert {service["pull_policy"] for service in OURS.values()} == {"never"}


@EVERY
def test_health(name: str) -> None:
    """Whoever waits for a service waits until it works; what ends by itself is waited for until it has."""
    service = SERVICES[name]
    ends = service["restart"] == "no"
    own = service.get("healthcheck", {})
    assert own.get("disable", False) is ends
    assert ends or name in {"worker", "audit"} or own["test"][0] == "CMD"
    for needed, how in service.get("depends_on", {}).items():
        ends = SERVICES[needed]["restart"] == "no"
        assert how["condition"] == ("service_completed_successfully" if ends else "service_healthy")


def test_topics() -> None:
    """They are made before the worker starts, by the command that makes them everywhere, and by nothing else."""
    assert SERVICES["topics"]["command"] == ["topics", "create"]
    assert "topics" in SERVICES["worker"]["depends_on"]
    assert environment_of("kafka")["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    for name in ("topics", "worker", "trial"):
        topics = settings_of(name).topics
        named = topics.model_dump(exclude={"partitions", "replication_factor"})
        assert set(named.values()) == {topic for _, topic in Plan().names()}


@pytest.mark.parametrize("name", OURS)
def test_commands(name: str) -> None:
    """Each is one that the program has."""
    known = commands_of(app)
    assert SERVICES[name].get("command", ["run"])[0] in known


def test_scaled() -> None:
    """Any number of workers may run side by side: none has a name or a port of its own on this machine."""
    assert not {"ports", "container_name", "hostname"} & set(SERVICES["worker"])


def test_time_to_stop() -> None:
    """A worker is given longer than its drain may take."""
    given = float(SERVICES["worker"]["stop_grace_period"].removesuffix("s"))
    assert given >= settings_of("worker").dispatch.drain_timeout + AFTER_DRAIN + LOGOUT_WITHIN


def test_console() -> None:
    """It finds every worker by its service's name, listens for the port that is published, and takes a token."""
    console, published = settings_of("console").console, SERVICES["console"]["ports"][0]
    assert console.workers == (f"worker:{settings_of('worker').ops.port}",)
    assert published.endswith(f":{console.port}")
    assert guarded(console).hosts >= {"localhost"}


def test_operations_port() -> None:
    """Prometheus asks the port that the worker listens on, on the container's own address."""
    ops = settings_of("worker").ops
    scrape = yaml.safe_load((Path(__file__).parents[2] / "deploy/prometheus/prometheus.yml").read_text())
    found = scrape["scrape_configs"][0]["dns_sd_configs"][0]
    assert (found["names"], found["port"]) == (["worker"], ops.port)
    assert ops.host == "0.0.0.0"  # noqa: S104  inside a container, unpublished


def test_audit() -> None:
    """Its own container's health is asked as the worker's is, and it is scraped where it listens."""
    ops = settings_of("audit").ops
    scrape = yaml.safe_load((Path(__file__).parents[2] / "deploy/prometheus/prometheus.yml").read_text())
    found = scrape["scrape_configs"][1]["dns_sd_configs"][0]
    assert (found["names"], found["port"], ops.host) == (["audit"], ops.port, settings_of("worker").ops.host)


@EVERY
def test_files_and_volumes(name: str) -> None:
    """What is mounted exists; a file is mounted to be read, one that the shell names too."""
    for volume in SERVICES[name].get("volumes", []):
        source, _, mode = re.sub(r"\$\{\w+:-([^}]+)\}", r"\1", volume).partition(":")
        if source.startswith((".", "/")):
            assert (Path(__file__).parents[2] / source).exists()
            assert mode.endswith(":ro")
        else:
            assert source in STACK["volumes"]
