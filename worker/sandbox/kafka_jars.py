"""The jars of Apache Kafka, and other files of a Maven repository: fetched once, kept, and checked at every start."""

import fcntl
import hashlib
import shutil
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from worker.model.errors import LocalKafkaError, WorkerError

LOCK_FILE = Path(__file__).with_name("kafka.lock.toml")
"""Written by jgo; see kafka_lock.py."""
WAYS_OUT = (
    "Two ways out: point WORKER_KAFKA__BOOTSTRAP_SERVERS at another Kafka, "
    "or start the one of the compose stack (docker compose up)."
)
FETCH_TOGETHER = 4
ARRIVING = ".arriving-"


@dataclass(frozen=True, slots=True)
class Kept:
    """A kind of files that are fetched and kept.

    Its name in messages, the ways out of a failure, and the error's type.
    """

    name: str
    ways_out: str
    error: type[WorkerError]

    def failed(self, why: str) -> WorkerError:
        return self.error(f"{self.name} {why}. {self.ways_out}")


KAFKA = Kept("Kafka's jars", WAYS_OUT, LocalKafkaError)


class Patience:
    """For how long a thread works: for `within` seconds, or until `given_up` is set because nobody wants the result."""

    def __init__(self, within: float, of: Kept = KAFKA) -> None:
        self.of = of
        self._deadline = time.monotonic() + within
        self.given_up = Event()

    def check(self) -> None:
        if self.given_up.is_set() or time.monotonic() > self._deadline:
            raise self.of.failed("did not come in time")


@dataclass(frozen=True, slots=True)
class Jar:
    """One jar of the lock file, or another file of a Maven repository."""

    group: str
    name: str
    version: str
    sha256: str
    classifier: str = ""
    packaging: str = "jar"

    @property
    def path(self) -> Path:
        """The path of the file in a Maven repository."""
        file = "-".join(filter(None, (self.name, self.version, self.classifier)))
        return Path(*self.group.split("."), self.name, self.version, f"{file}.{self.packaging}")

    def is_intact(self, root: Path) -> bool:
        """Whether the file exists below `root` and has the sha256 of the lock file."""
        try:
            with (root / self.path).open("rb") as content:
                return hashlib.file_digest(content, "sha256").hexdigest() == self.sha256
        except FileNotFoundError:
            return False


Fetch = Callable[[Jar, Path, Patience], None]
"""Puts a jar at its path below a directory; raises the error of its patience (`Kept.error`) when it fails."""


def locked_jars(lock_file: Path = LOCK_FILE) -> list[Jar]:
    """The jars that the lock file names, in its order."""
    jars = tomllib.loads(lock_file.read_text("utf-8"))["dependencies"]
    return [Jar(jar["groupId"], jar["artifactId"], jar["version"], jar["sha256"]) for jar in jars]


def kept_jars(
    root: Path, fetch: Fetch, tell: Callable[[str], None], patience: Patience, jars: Sequence[Jar] | None = None
) -> list[Path]:
    """The paths of the jars (all of the lock file by default), checked; missing or damaged ones are fetched first.

    Many processes may do this at once: one fetches, and the others wait for it. Raises the error of `patience.of`.
    """
    jars = locked_jars() if jars is None else jars
    try:
        if _wanting(jars, root):
            root.mkdir(parents=True, exist_ok=True)
            with alone(root / ".lock", patience):
                _fetch_all(_wanting(jars, root), root, tell, fetch, patience)
    except OSError as error:
        raise patience.of.failed(f"cannot be kept in {root}: {error.strerror or error}") from error
    return [root / jar.path for jar in jars]


def _wanting(jars: Sequence[Jar], root: Path) -> list[Jar]:
    return [jar for jar in jars if not jar.is_intact(root)]


@contextmanager
def alone(lock_file: Path, patience: Patience) -> Iterator[None]:
    """Hold the file's lock while the block runs; the kernel releases it should this process die."""
    with lock_file.open("w") as lock:
        while not _locked(lock.fileno()):
            patience.check()
            time.sleep(0.1)
        yield


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _fetch_all(jars: Sequence[Jar], root: Path, tell: Callable[[str], None], fetch: Fetch, patience: Patience) -> None:
    if not jars:
        return
    tell(f"fetching {len(jars)} of {patience.of.name} into {root}, once")
    for left_by_a_killed_one in root.glob(f"{ARRIVING}*"):
        shutil.rmtree(left_by_a_killed_one, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=ARRIVING, dir=root) as arriving:
        threads = ThreadPoolExecutor(FETCH_TOGETHER)
        try:
            for fetched in [threads.submit(_fetch_one, jar, Path(arriving), root, fetch, patience) for jar in jars]:
                fetched.result()
        finally:
            threads.shutdown(cancel_futures=True)


def _fetch_one(jar: Jar, arriving: Path, root: Path, fetch: Fetch, patience: Patience) -> None:
    fetch(jar, arriving, patience)
    if not jar.is_intact(arriving):
        of = patience.of
        raise of.error(f"{jar.path.name} as fetched is not the file that the lock file means. {of.ways_out}")
    (root / jar.path).parent.mkdir(parents=True, exist_ok=True)
    (arriving / jar.path).replace(root / jar.path)
