"""Writes the lock file anew after a version here was changed: `python -m worker.sandbox.kafka_lock`."""

import tempfile
from pathlib import Path

from jgo.env import LockFile
from jgo.maven import MavenContext, PythonResolver

from worker.sandbox.kafka_jars import LOCK_FILE

COORDINATES = (
    "org.apache.kafka:kafka_2.13:4.3.1",
    # Kafka logs through SLF4J. The mark at the end keeps jgo from applying this project's dependency management to
    # Kafka's jars, which would put the client of Kafka 3.9 beside the broker of 4.3.
    "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4!",
)


def write_lock(lock_file: Path = LOCK_FILE) -> None:
    """Resolve the coordinates, fetch every jar into a temporary directory, and note its sha256."""
    with tempfile.TemporaryDirectory() as repository:
        maven = MavenContext(PythonResolver(), repo_cache=Path(repository), timeout=30)
        given, drawn_in = maven.resolver.resolve([maven.create_dependency(line) for line in COORDINATES])
        LockFile.from_resolved_dependencies([*given, *drawn_in], environment_name="kafka").save(lock_file)


if __name__ == "__main__":
    write_lock()
