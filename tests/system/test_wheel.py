"""The wheel has all that the program needs."""

import email
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from patience import PATIENCE

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel built from the checkout, without the network."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=PATIENCE)
    (built,) = folder.glob("*.whl")
    return built


def test_every_file_of_the_package_is_in_the_wheel(wheel):
    """Every tracked file of the package is in it, and nothing else but its metadata."""
    tracked = subprocess.run(
        ["git", "ls-files", "worker"], cwd=ROOT, check=True, capture_output=True, timeout=PATIENCE, text=True
    ).stdout.split()
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name for name in tracked if (ROOT / name).exists()} <= names
    assert not [name for name in names if not name.startswith(("worker/", "customer_worker-"))]


def test_the_installed_package_runs(wheel, tmp_path):
    """Unpacked into a folder of its own it runs, without the checkout."""
    zipfile.ZipFile(wheel).extractall(tmp_path)
    for arguments in (["--help"], ["--version"], ["schema", "customer"]):
        done = subprocess.run(
            [sys.executable, "-m", "worker", *arguments],
            cwd=tmp_path,
            env={"PYTHONPATH": str(tmp_path), "PATH": ""},
            capture_output=True,
            timeout=PATIENCE,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout


def test_the_package_that_runs_is_the_installed_one(wheel, tmp_path):
    """Python imports the unpacked package, not the checkout."""
    zipfile.ZipFile(wheel).extractall(tmp_path)
    show = "import worker; print(worker.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", show],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        timeout=PATIENCE,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(str(tmp_path))


def test_its_page_on_an_index(wheel):
    """The description for a package index has all lines of the README, with only those links that work there."""
    with zipfile.ZipFile(wheel) as files:
        (name,) = [each for each in files.namelist() if each.endswith(".dist-info/METADATA")]
        page = email.message_from_string(files.read(name).decode())
    text = str(page.get_payload())
    readme = (ROOT / "README.md").read_text()
    assert page["Description-Content-Type"] == "text/markdown"
    assert page.get_all("Project-URL")
    assert [link for link in re.findall(r"\]\(([^)]*)\)", text) if not link.startswith("https://")] == []
    assert [line for line in readme.splitlines() if "](" not in line and line not in text] == []
