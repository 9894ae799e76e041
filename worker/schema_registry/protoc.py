"""Compiles a Protobuf schema, which a registry keeps as text, by Protobuf's own compiler in a separate process."""

import asyncio
import errno
import re
import signal
import sys
import tempfile
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Final

from worker.customer.documents import Unreadable
from worker.events.registered.schema import Referred
from worker.model.errors import SchemaRegistryUnavailable

WITHIN: Final = 30.0
_MAX_QUOTED: Final = 200
_LOG: Final = re.compile(r"[IWEF]\d{4} ")
_OWN: Final = "schema-of-the-value.proto"
_OF_THE_NAME: Final = frozenset({errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG})
"""Errors that come from a file's name, and not from this machine."""
_FROM_OUTSIDE: Final = frozenset({-signal.SIGKILL, -signal.SIGTERM})
_PROVIDED: Final = Path(__file__).with_name("provided")
"""What schemas may import without naming it as a reference; Google's own come with the packages."""


async def compiled(text: str, references: tuple[Referred, ...]) -> bytes:
    """The schema as a FileDescriptorSet, its own file last. Raises Unreadable with the compiler's first complaint.

    Raises SchemaRegistryUnavailable where the compiler was killed first: that says nothing about the schema.
    """
    with tempfile.TemporaryDirectory(prefix="customer-worker-schema-") as folder:
        # The schema's own file is written last: none replaces it, whatever name the registry gives to another one.
        for name, content in (*((each.name, each.text) for each in references), (_OWN, text)):
            _write(Path(folder), name, content)
        return await _run(folder)


def _write(folder: Path, name: str, text: str) -> None:
    """Write a file by a name from the registry, which must not lead out of the folder.

    Raises Unreadable for a name that no file can have.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise Unreadable("its Protobuf schema imports a file by no relative path")
    try:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    except ValueError:
        raise Unreadable("its Protobuf schema imports a file by a name that none can have") from None
    except OSError as error:
        if error.errno not in _OF_THE_NAME:
            raise
        raise Unreadable(
            f"its Protobuf schema imports a file by a name that none can have ({error.strerror})"
        ) from None


async def _run(folder: str) -> bytes:
    imports = (folder, str(_PROVIDED), str(files("google.type").joinpath("../..")))
    arguments = [
        *(f"-I{place}" for place in imports),
        "--include_imports",
        f"--descriptor_set_out={folder}/descriptors",
        _OWN,
    ]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "grpc_tools.protoc",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, said = await asyncio.wait_for(process.communicate(), WITHIN)
    except BaseException:
        process.kill()
        raise
    if process.returncode in _FROM_OUTSIDE:
        raise SchemaRegistryUnavailable("Protobuf's compiler was ended from outside, for want of memory perhaps")
    if process.returncode != 0:
        raise Unreadable(f"its Protobuf schema cannot be compiled: {_complaint(said.decode(errors='replace'), folder)}")
    return (Path(folder) / "descriptors").read_bytes()


def _complaint(said: str, folder: str) -> str:
    """The compiler's first complaint, which names a file and a line; lines with a letter and a time are its own log."""
    lines = [line.replace(f"{folder}/", "") for line in said.splitlines()]
    of_a_file = (line for line in lines if ".proto:" in line and not _LOG.match(line))
    return next(of_a_file, "protoc does not say why")[:_MAX_QUOTED].strip()
