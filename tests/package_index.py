"""A package index on this machine where every package has a newer version as well, whose import fails."""

import hashlib
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from threading import Thread
from typing import Final

from packaging.requirements import Requirement

NEWER: Final = "9999.0"
WORKING: Final = frozenset(
    {"uv", "hatchling", "hatch-fancy-pypi-readme", "packaging", "pathspec", "pluggy", "trove-classifiers"}
)
"""What installs the others and builds the project: served as it is installed here; all others are stubs."""
PURE: Final = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
MADE_BY_INSTALLERS: Final = {"INSTALLER", "RECORD", "REQUESTED", "direct_url.json"}


class PackageIndex:
    """The index's files in a directory, which `served` serves."""

    def __init__(self, directory: Path) -> None:
        self._simple = directory / "simple"
        self._simple.mkdir()
        self._hashes: dict[tuple[str, str], str] = {}

    def relisted(self, requirements: str) -> str:
        """The same pins with the hashes of this index: none of them allows the newer version."""
        return "".join(self._relisted(line) for line in pin_lines(requirements))

    def _relisted(self, line: str) -> str:
        requirement = Requirement(line)
        name, version = requirement.name, pinned(requirement)
        if (name, version) not in self._hashes:
            self._add(name, version, _as_installed(name) if name in WORKING else _stub(name, version, "worked = True"))
            self._add(name, NEWER, _stub(name, NEWER, "raise ImportError('published later')"))
        return f"{line} \\\n    --hash=sha256:{self._hashes[name, version]}\n"

    def _add(self, name: str, version: str, files: dict[str, bytes]) -> None:
        folder = self._simple / name
        folder.mkdir(exist_ok=True)
        (metadata,) = [content for path, content in files.items() if path.endswith(".dist-info/WHEEL")]
        tag = re.search(r"^Tag: (\S+)", metadata.decode(), re.MULTILINE)
        assert tag
        wheel = folder / f"{name.replace('-', '_')}-{version}-{tag[1]}.whl"
        _write(wheel, files)
        self._hashes[name, version] = hashlib.sha256(wheel.read_bytes()).hexdigest()
        with (folder / "index.html").open("a") as page:
            page.write(f'<a href="{wheel.name}#sha256={self._hashes[name, version]}">{wheel.name}</a>\n')


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """Serve the index in that directory; gives its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(directory))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/simple/"
        finally:
            server.shutdown()
            thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def pin_lines(requirements: str) -> list[str]:
    """Each line `name==version ; marker` of a requirement file."""
    return [line.rstrip(" \\") for line in requirements.splitlines() if re.match(r"\w", line)]


def pinned(requirement: Requirement) -> str:
    (specifier,) = requirement.specifier
    assert specifier.operator == "=="
    return specifier.version


def module_of(name: str) -> str:
    """The module of a stub package; importing it fails for the newer version."""
    return f"stub_{name.replace('-', '_')}"


def _stub(name: str, version: str, source: str) -> dict[str, bytes]:
    """The files of a package that does nothing but require what the real one requires, where that is installed."""
    try:
        real = distribution(name).read_text("METADATA") or ""
    except PackageNotFoundError:
        real = ""
    needs = re.findall(r"^(?:Requires-Dist|Provides-Extra): .*\n", real, re.MULTILINE)
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{''.join(needs)}"
    return {
        f"{module_of(name)}.py": source.encode(),
        f"{info}/METADATA": metadata.encode(),
        f"{info}/WHEEL": PURE.encode(),
    }


def _as_installed(name: str) -> dict[str, bytes]:
    """The files of an installed package: path in the wheel -> content."""
    found = distribution(name)
    scripts = f"{found.metadata['Name'].replace('-', '_')}-{found.version}.data/scripts"
    return {
        f"{scripts}/{file.name}" if file.parts[0] == ".." else str(file): Path(str(file.locate())).read_bytes()
        for file in found.files or ()
        if file.name not in MADE_BY_INSTALLERS and file.suffix != ".pyc" and not _made_for(found, file.name)
    }


def _made_for(found: Distribution, script: str) -> bool:
    """Whether it is the script of an entry point, which installers make themselves."""
    return script in {point.name for point in found.entry_points}


def _write(wheel: Path, files: dict[str, bytes]) -> None:
    (info,) = {path.split("/")[0] for path in files if path.split("/")[0].endswith(".dist-info")}
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, content in files.items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = 0o100755 << 16
            archive.writestr(entry, content)
        archive.writestr(f"{info}/RECORD", "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"]))
