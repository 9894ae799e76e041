import asyncio
from pathlib import Path

import orjson
import pytest

from worker.sandbox.demo.advice import told
from worker.sandbox.demo.command import given_kafka, plan_of
from worker.sandbox.demo.play import while_running
from worker.sandbox.demo.worker_process import WorkerProcess, finished_per_second
from worker.settings import sources as configuration
from worker.settings.settings import Settings


def settings(tmp_path: Path, **environment: str) -> Settings:
    return configuration.load(environment=environment, dotenv=tmp_path / "none", secrets=tmp_path / "none")


def test_kafka_of_its_own(tmp_path: Path) -> None:
    """Where the settings name no Kafka there is none to be used."""
    assert given_kafka(settings(tmp_path, WORKER_KAFKA__SESSION_TIMEOUT="30"), "demo-1") is None


def test_kafka_that_is_named(tmp_path: Path) -> None:
    """The worker gets all that is set for that Kafka, and a group of its own instead of the one that others share."""
    given = given_kafka(
        settings(
            tmp_path,
            WORKER_KAFKA__BOOTSTRAP_SERVERS="kafka:9092",
            WORKER_KAFKA__GROUP_ID="production",
            WORKER_KAFKA__GROUP_INSTANCE_ID="one",
            WORKER_KAFKA__SECURITY_PROTOCOL="SASL_SSL",
            WORKER_KAFKA__USERNAME="u",
            WORKER_KAFKA__PASSWORD="word",
            WORKER_KAFKA__CA_FILE="ca.pem",
        ),
        "demo-1",
    )
    assert given
    assert given.connection.bootstrap_servers == "kafka:9092"
    assert given.settings == {
        "WORKER_KAFKA__BOOTSTRAP_SERVERS": "kafka:9092",
        "WORKER_KAFKA__GROUP_ID": "demo-1",
        "WORKER_KAFKA__SECURITY_PROTOCOL": "SASL_SSL",
        "WORKER_KAFKA__USERNAME": "u",
        "WORKER_KAFKA__PASSWORD": "word",
        "WORKER_KAFKA__CA_FILE": str(Path("ca.pem").absolute()),
    }


def test_password_of_somebodys_kafka() -> None:
    """It is never printed."""
    given = {"WORKER_KAFKA__USERNAME": "u", "WORKER_KAFKA__PASSWORD": "word", "WORKER_API__PASSWORD": "sandbox"}
    assert told(given) == {"WORKER_KAFKA__USERNAME": "u", "WORKER_API__PASSWORD": "sandbox"}


def test_topics_with_a_prefix(tmp_path: Path) -> None:
    """In somebody's Kafka no topic that exists is touched; sizes are as the settings want them."""
    plan = plan_of(settings(tmp_path, WORKER_TOPICS__PARTITIONS="3", WORKER_TOPICS__REQUESTS="theirs"), "demo-1.")
    assert plan.partitions == 3
    assert all(name.startswith("demo-1.customer.create.") for _, name in plan.names())


def log_of(tmp_path: Path, *lines: tuple[str, str, str]) -> Path:
    log = tmp_path / "worker.log"
    written = [{"event": event, "event_id": of, "timestamp": f"2026-01-01T00:00:{at}Z"} for event, of, at in lines]
    log.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in written))
    return log


def test_speed(tmp_path: Path) -> None:
    """Counted from the first to the last finished record of the further customers alone."""
    lines = [("record.finished", f"more-{n}", f"1{n}.5") for n in range(5)]
    other = [("record.finished", "crm-1", "00.0"), ("worker.started", "more-1", "59.0")]
    assert finished_per_second(log_of(tmp_path, *other, *lines), "more-") == 1.0


def test_speed_while_the_worker_writes_on(tmp_path: Path) -> None:
    """The line that it is writing counts when it is whole."""
    log = log_of(tmp_path, *[("record.finished", f"more-{n}", f"1{n}.5") for n in range(5)])
    whole = log.read_bytes()
    for cut in range(1, len(whole.splitlines()[-1])):
        log.write_bytes(whole[:-cut])
        assert finished_per_second(log, "more-") == 1.0


def test_speed_of_one(tmp_path: Path) -> None:
    """One record has no speed."""
    assert finished_per_second(log_of(tmp_path, ("record.finished", "more-1", "01.0")), "more-") is None


class Process:
    """Ends when it is told to."""

    def __init__(self, *, status: int | None) -> None:
        self.status = status

    async def ended(self, *, within: float) -> int | None:
        if self.status is None and within:
            await asyncio.Event().wait()
        return self.status


def worker(tmp_path: Path, status: int | None) -> WorkerProcess:
    log = tmp_path / "worker.log"
    log.write_text("first\nlast\n")
    return WorkerProcess(Process(status=status), tmp_path, log)  # type: ignore[arg-type]  # all that is asked of it


async def nothing() -> None:
    return None


async def for_ever() -> None:
    await asyncio.Event().wait()


async def broken() -> None:
    raise ValueError("wrong")


async def test_done_while_the_worker_runs(tmp_path: Path) -> None:
    """Then nothing came between."""
    assert await while_running(worker(tmp_path, None), nothing(), 60) is None


async def test_failed_while_the_worker_runs(tmp_path: Path) -> None:
    """What goes wrong comes through."""
    with pytest.raises(ValueError, match="wrong"):
        await while_running(worker(tmp_path, None), broken(), 60)


async def test_worker_that_ends(tmp_path: Path) -> None:
    """Its status and its last line are told, and nothing is waited for any more."""
    told = await while_running(worker(tmp_path, 1), for_ever(), 60)
    assert told == "the worker ended by itself with status 1; its last line: last"


async def test_patience_that_ends(tmp_path: Path) -> None:
    """What did not come in time is not waited for any more."""
    assert await while_running(worker(tmp_path, None), for_ever(), 0) == "not everything ended within 0 s"
