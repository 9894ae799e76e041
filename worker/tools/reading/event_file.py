"""Files of events: one JSON document a line, or one JSON or XML document as a whole."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

import orjson

from worker.counting import counted
from worker.model.records import Headers

CHUNK = 64 * 1024
STRUCTURED: Headers = (("content-type", b"application/cloudevents+json"),)


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it stands in the file, unchanged; `line` is where it begins."""

    line: int
    value: bytes
    key: bytes | None = None
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a line cannot be published; never its content."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


Change = Callable[[Event], Event | Problem]


async def changed(events: AsyncIterator[Event | Problem], change: Change) -> AsyncIterator[Event | Problem]:
    """Each event as it is to be published; it ends at the first one that cannot be."""
    async for event in events:
        yield (found := event if isinstance(event, Problem) else change(event))
        if isinstance(found, Problem):
            return


async def read(file: BinaryIO, key_path: str | None = None, limit: int = 1_000_000) -> AsyncIterator[Event | Problem]:
    """NDJSON, or one JSON or XML document, whichever the first line that is not empty begins; ends at a problem.

    `key_path` is where the key stands in each event, such as `data.pin`; without it the key is the CloudEvent's
    subject or else its id, and a bare customer has none. No event may be larger than `limit` bytes.
    """
    lines = _lines(file, limit)
    first = True
    async for number, line in lines:
        if not line.strip():
            continue
        whole = line if not first or is_json(line) else line + await _rest(lines, limit)
        first = False
        event = _event(number, whole.rstrip(b"\r\n"), key_path, limit)
        yield event
        if isinstance(event, Problem):
            return


async def _rest(lines: AsyncIterator[tuple[int, bytes]], limit: int) -> bytes:
    rest = bytearray()
    async for _, line in lines:
        rest += line
        if len(rest) > limit:
            break
    return bytes(rest)


async def _lines(file: BinaryIO, limit: int) -> AsyncIterator[tuple[int, bytes]]:
    """(number, line with its end); a line over the limit comes as far as it was read, and is the last one."""
    number, rest = 1, b""
    while len(rest) <= limit and (chunk := await _chunk(file.fileno())):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield number, line + b"\n"
            number += 1
    if rest:
        yield number, rest


async def _chunk(descriptor: int) -> bytes:
    """The next bytes, none at the end; a terminal or a pipe is waited for without stopping everything else."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        loop.add_reader(descriptor, ready.set)
    except PermissionError:  # A file on disk is always ready.
        return os.read(descriptor, CHUNK)
    try:
        await ready.wait()
        return os.read(descriptor, CHUNK)
    finally:
        loop.remove_reader(descriptor)


def is_json(line: bytes) -> bool:
    """Whether the line is a document of its own; if the first one is, so is every other."""
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _event(line: int, value: bytes, key_path: str | None, limit: int) -> Event | Problem:
    if len(value) > limit:
        return Problem(line, f"larger than {counted(limit, 'byte')}")
    if value.lstrip().startswith(b"<"):
        return Event(line, value) if key_path is None else Problem(line, "--key-path: only JSON has one")
    try:
        content = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        return Problem(line + error.lineno - 1, f"not JSON: {error.msg} (column {error.colno})")
    if not isinstance(content, dict):
        return Problem(line, "not a JSON object")
    return _keyed(line, value, content, key_path)


def _keyed(line: int, value: bytes, content: dict[str, Any], key_path: str | None) -> Event | Problem:
    headers = STRUCTURED if "specversion" in content else ()
    if key_path is None:
        key = (content.get("subject") or content.get("id")) if headers else None
        return Event(line, value, _text(key), headers)
    key = _text(_at(content, key_path))
    return Event(line, value, key, headers) if key else Problem(line, f"no text or number at {key_path} (--key-path)")


def _at(content: object, path: str) -> object:
    for name in path.split("."):
        content = content.get(name) if isinstance(content, dict) else None
    return content


def _text(key: object) -> bytes | None:
    return str(key).encode() if isinstance(key, str | int) and not isinstance(key, bool) else None
