"""`deploy/install` installs exactly the pinned versions, although newer ones of every package have been published."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from package_index import WORKING, PackageIndex, module_of, pin_lines, pinned, served
from packaging.requirements import Requirement
from patience import PATIENCE

from worker import __version__

ROOT = Path(__file__).parents[2]
UV = "deploy/uv-requirements.txt"
LISTS = (UV, "deploy/requirements.txt", "deploy/image-requirements.txt", "tests/requirements.txt")
NEEDED = ("deploy/install", "pyproject.toml", "README.md", "LICENSE", "worker/__init__.py")
VERSIONS = "from importlib.metadata import distributions as all; [print(d.name, d.version) for d in all()]"


class Checkout:
    """The files that the install needs, with the hashes in its lists replaced by those of the tests' own index."""

    def __init__(self, directory: Path, index: PackageIndex, address: str) -> None:
        self.directory, self.venv = directory / "checkout", directory / "checkout/.venv"
        for path in NEEDED:
            (self.directory / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, self.directory / path)
        (self.directory / "tests").mkdir()
        self._index = index
        self.relist()
        theirs = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "WORKER_"))}
        self._environment = {
            **theirs,
            "HOME": str(directory / "home"),
            "NO_PROXY": "127.0.0.1",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": address,
            "PYTHON": sys.executable,
        }

    def relist(self, *more: str) -> None:
        """Write the project's lists, plus these pins, with the index's hashes."""
        for path in LISTS:
            text = "\n".join([(ROOT / path).read_text(), *more])
            (self.directory / path).write_text(self._index.relisted(text))

    def run(self, *command: str | Path) -> str:
        """Run a command in the checkout; returns what it printed."""
        done = subprocess.run(
            command,
            cwd=self.directory,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    def python(self, *arguments: str | Path) -> str:
        return self.run(self.venv / "bin/python", *arguments)

    def bring(self, pip: list[str | Path]) -> None:
        """Make the virtual environment with that version of pip."""
        self.run(sys.executable, "-m", "venv", "--without-pip", self.venv)
        wheel = Path(pip[-1]).parent
        if wheel.suffix == ".whl":
            self.python(pip[-1], "install", "--no-index", wheel)

    def installed(self) -> dict[str, str]:
        """Installed packages and versions, without pip."""
        lines = (line.split() for line in self.python("-c", VERSIONS).splitlines())
        found = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in lines}
        return {name: version for name, version in found.items() if name != "pip"}

    def listed(self, *lists: str) -> dict[str, str]:
        """The pins in these lists that apply to this Python."""
        every = [Requirement(line) for path in lists for line in pin_lines((self.directory / path).read_text())]
        return {each.name: pinned(each) for each in every if each.marker is None or each.marker.evaluate()}


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """The index and its address; made once, since it holds the whole of uv."""
    directory = tmp_path_factory.mktemp("index")
    with served(directory) as address:
        yield PackageIndex(directory), address


@pytest.fixture
def checkout(tmp_path, index):
    """A fresh checkout and an empty home directory."""
    return Checkout(tmp_path, *index)


@pytest.fixture(scope="module")
def pip(tmp_path_factory):
    """The oldest pip that a Python of this version came with; downloaded for 3.11, else the installed one."""
    if sys.version_info >= (3, 12):
        return [sys.executable, "-m", "pip"]
    directory = tmp_path_factory.mktemp("pip")
    options = ("--no-deps", "--require-hashes", "--requirement", ROOT / "tests/oldest-pip.txt", "--dest", directory)
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", *options], check=True, timeout=PATIENCE)
    (wheel,) = directory.iterdir()
    return [sys.executable, wheel / "pip"]


def test_what_is_installed_is_what_is_pinned(checkout, pip):
    """Exactly the pinned versions are installed and can be imported; what an older list had installed is removed."""
    checkout.bring(pip)
    checkout.relist("dropped-since==1.0")
    checkout.run("deploy/install")
    assert checkout.installed()["dropped-since"] == "1.0"
    checkout.relist()
    for arguments, path in (((), "deploy/requirements.txt"), (("dev",), "tests/requirements.txt")):
        checkout.run("deploy/install", *arguments)
        listed = checkout.listed(path, UV)
        assert checkout.installed() == {**listed, "customer-worker": __version__}
        checkout.python("-c", "import " + ", ".join(["worker", *map(module_of, listed.keys() - WORKING)]))


def test_what_the_image_is_built_of(checkout, pip):
    """The Dockerfile's own `pip wheel` command fetches exactly the pinned versions."""
    dockerfile = (ROOT / "deploy/Dockerfile").read_text()
    (arguments,) = re.findall(
        r"\bpip (wheel .*) --wheel-dir=/wheels --requirement=image-requirements.txt\b", dockerfile
    )
    checkout.run(*pip, *shlex.split(arguments), "--wheel-dir=wheels", "--requirement=deploy/image-requirements.txt")
    fetched = {tuple(wheel.name.split("-")[:2]) for wheel in (checkout.directory / "wheels").iterdir()}
    listed = checkout.listed("deploy/image-requirements.txt")
    assert fetched == {(name.replace("-", "_"), version) for name, version in listed.items()}


@pytest.mark.parametrize(
    ("lacks", "said"),
    [
        ("ensurepip", "needed: apt-get install python3-venv (or name another Python with PYTHON=/path/to/python3)"),
        ("version_info", "needed: Python 3.11 to 3.14 with venv (name one with PYTHON=/path/to/python3)"),
    ],
)
def test_a_machine_that_lacks_something(tmp_path, lacks, said):
    """Without Debian's venv package, or with only an old Python, one line says what is needed."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("dirname", "basename"):
        (programs / name).symlink_to(str(shutil.which(name)))
    (programs / "python3").write_text(f'#!/bin/sh\ncase "$2" in *{lacks}*) exit 1 ;; esac\n')
    (programs / "python3").chmod(0o755)
    (tmp_path / "deploy").mkdir()
    install = shutil.copy(ROOT / "deploy/install", tmp_path / "deploy/install")
    done = subprocess.run(
        [install], env={"PATH": str(programs)}, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{said}\n")
