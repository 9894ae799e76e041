"""Apicurio Registry as it is released: fetched once from its Maven coordinates, checked, unpacked and kept."""

import shutil
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from worker.model.errors import LocalRegistryError
from worker.sandbox.kafka_jars import Fetch, Jar, Kept, Patience, alone, kept_jars

ARCHIVE: Final = Jar(
    "io.apicurio",
    "apicurio-registry-app",
    "3.3.3",
    "8bc6751c76d963734224b01d5e7f84ccb3cb61c87d3bd77c36c35f10a5cbed63",
    classifier="all",
    packaging="tar.gz",
)
"""The only file that is accepted: another version needs its own sha256 here."""
START: Final = "quarkus-run.jar"
REGISTRY: Final = Kept(
    "the registry's archive",
    "The way out: name a registry of yours by WORKER_EVENTS__REGISTRY_URL.",
    LocalRegistryError,
)


def kept_registry(root: Path, fetch: Fetch, tell: Callable[[str], None], patience: Patience) -> Path:
    """The folder of the unpacked registry, which exists as a whole or not at all; fetched and unpacked if need be.

    Many processes may do this at once: one fetches, and the others wait for it. LocalRegistryError if it fails.
    """
    place = root / f"{ARCHIVE.name}-{ARCHIVE.version}-{ARCHIVE.sha256[:12]}"
    if (place / START).exists():
        return place
    try:
        root.mkdir(parents=True, exist_ok=True)
        with alone(root / ".registry.lock", patience):
            if not (place / START).exists():
                [archive] = kept_jars(root, fetch, tell, patience, [ARCHIVE])
                _unpack(archive, place)
    except OSError as error:
        raise REGISTRY.failed(f"cannot be kept in {root}: {error.strerror or error}") from error
    return place


def _unpack(archive: Path, place: Path) -> None:
    """Unpack the archive to `place` at once, then remove it, as it is as large as its content."""
    arriving = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=place.parent))
    try:
        with tarfile.open(archive) as packed:
            # Its content is what the sha256 means; Python 3.11.0 knows no filters yet.
            packed.extraction_filter = lambda member, _: member
            packed.extractall(arriving)  # noqa: S202  as above
        shutil.rmtree(place, ignore_errors=True)
        arriving.rename(place)
    finally:
        shutil.rmtree(arriving, ignore_errors=True)
    archive.unlink()
