"""The archive of the local schema registry: fetched once, checked, unpacked as a whole, and kept."""

import hashlib
import io
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from worker.model.errors import LocalRegistryError
from worker.sandbox import registry_archive
from worker.sandbox.kafka_jars import Jar, Patience
from worker.sandbox.registry_archive import ARCHIVE, REGISTRY, START, kept_registry


def archive(*names: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as made:
        for name in names:
            made.addfile(tarfile.TarInfo(name))
    return packed.getvalue()


WHOLE = archive(START, "lib/main/some.jar")


class Repository:
    """Hands that content out, and counts how often."""

    def __init__(self, content: bytes = WHOLE) -> None:
        self.content, self.fetched = content, 0

    def __call__(self, jar: Jar, root: Path, _: Patience) -> None:
        self.fetched += 1
        (root / jar.path).parent.mkdir(parents=True, exist_ok=True)
        (root / jar.path).write_bytes(self.content)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_archive, "ARCHIVE", replace(ARCHIVE, sha256=hashlib.sha256(WHOLE).hexdigest()))


def kept(root: Path, repository: Repository) -> Path:
    return kept_registry(root, repository, lambda _: None, Patience(5, REGISTRY))


def test_fetched_once(tmp_path):
    """What is there is not fetched again, and the archive does not stay beside what it held."""
    repository = Repository()
    place = kept(tmp_path, repository)
    assert kept(tmp_path, repository) == place
    assert sorted(str(each.relative_to(place)) for each in place.rglob("*") if each.is_file()) == [
        "lib/main/some.jar",
        START,
    ]
    assert repository.fetched == 1
    assert not list(tmp_path.rglob("*.tar.gz"))


def test_another_file_than_was_meant(tmp_path):
    """It is not unpacked, and one line says what to do instead."""
    with pytest.raises(LocalRegistryError, match=r"is not the file .* WORKER_EVENTS__REGISTRY_URL"):
        kept(tmp_path, Repository(archive("evil")))
    assert not list(tmp_path.glob("apicurio*"))


def test_left_by_one_that_was_killed(tmp_path, monkeypatch):
    """A folder without its start is none: it is unpacked anew."""
    place = kept(tmp_path, Repository())
    (place / START).unlink()
    assert (kept(tmp_path, Repository()) / START).exists()


def test_where_the_archive_is():
    """Its place in a Maven repository."""
    assert ARCHIVE.path.name == "apicurio-registry-app-3.3.3-all.tar.gz"
