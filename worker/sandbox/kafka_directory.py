"""The files of one local Kafka: properties, logs, data."""

import base64
import fcntl
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from worker.model.errors import LocalKafkaError
from worker.sandbox.kafka_jars import WAYS_OUT
from worker.sandbox.kafka_packages import java
from worker.sandbox.kafka_process import GuardedProcess
from worker.sandbox.kafka_properties import JVM_OPTIONS, LOGGING, as_text

LAST_LINES = 8


class KafkaDirectory:
    """The directory of one local Kafka: a named one stays, a temporary one is removed when Kafka ends."""

    def __init__(self, path: Path, *, temporary: bool) -> None:
        """Lock the directory; LocalKafkaError if another Kafka uses it.

        Kafka itself notices a second broker on the same data only after it has written to them.
        """
        self.path = path
        self._mine = (path / ".lock").open("w")
        try:
            fcntl.flock(self._mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._mine.close()
            raise LocalKafkaError(f"another Kafka uses the data in {path}: end it, or name another directory") from None
        self.temporary = temporary
        self.data = path / "data"
        self.properties = path / "server.properties"
        self._log = path / "kafka.log"
        self._console = path / "console.log"
        self._logging = path / "log4j2.properties"

    @classmethod
    def opened(cls, named: Path | None) -> Self:
        """The named directory, made if it does not exist, or a new temporary one.

        LocalKafkaError if neither is possible.
        """
        try:
            if named is None:
                return cls(Path(tempfile.mkdtemp(prefix="customer-worker-kafka-")), temporary=True)
            named.mkdir(parents=True, exist_ok=True)
            return cls(named.resolve(), temporary=False)
        except OSError as error:
            place = named or tempfile.gettempdir()
            raise LocalKafkaError(f"Kafka's data cannot be in {place}: {error.strerror}. {WAYS_OUT}") from error

    @property
    def is_formatted(self) -> bool:
        """Whether the storage was formatted, so that a broker may start on it."""
        return (self.data / "meta.properties").exists()

    def cluster(self) -> str:
        """The cluster id with which the storage was formatted."""
        lines = (self.data / "meta.properties").read_text("utf-8").splitlines()
        return next(line.removeprefix("cluster.id=") for line in lines if line.startswith("cluster.id="))

    def configure(self, properties: Mapping[str, str]) -> None:
        """Write the files that Kafka reads when it starts; LocalKafkaError if that fails."""
        try:
            self.properties.write_text(as_text({"log.dirs": str(self.data), **properties}), "utf-8")
            self._logging.write_text(LOGGING.format(file=self._log), "utf-8")
        except OSError as error:
            raise LocalKafkaError(f"Kafka's data cannot be in {self.path}: {error.strerror}. {WAYS_OUT}") from error

    def run(self, class_path: str, main_class: str, *arguments: str) -> GuardedProcess:
        """Start one of Kafka's programs in this directory; its logs begin anew."""
        for log in (self._log, self._console):
            log.unlink(missing_ok=True)
        options = [
            *JVM_OPTIONS,
            f"-Dlog4j2.configurationFile={self._logging}",
            # Native libraries are unpacked where they go with everything else.
            f"-Djava.io.tmpdir={self.path}",
        ]
        command: list[str | Path] = [java(), *options, "-cp", class_path, main_class, *arguments]
        return GuardedProcess(command, self._console, remove=self.path if self.temporary else None)

    def last_lines(self) -> str:
        """The last lines of Kafka's logs, without stack traces."""
        logs = [log.read_text("utf-8", "replace") for log in (self._console, self._log) if log.exists()]
        lines = [line for log in logs for line in log.splitlines() if not line.startswith("\tat ")]
        return "\n".join(lines[-LAST_LINES:])

    def give_up(self) -> None:
        """Release the lock, and remove the directory if it is temporary."""
        self._mine.close()
        if self.temporary:
            shutil.rmtree(self.path, ignore_errors=True)


def new_cluster() -> str:
    """A new cluster id as Kafka writes them; the fixed first byte keeps it from starting with a dash."""
    return base64.urlsafe_b64encode(b"\x01" + secrets.token_bytes(15)).decode().rstrip("=")
