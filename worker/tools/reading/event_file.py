"""Files of events: one JSON document a line, one JSON or XML document as a whole, or one record a line."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

import orjson

from worker.counting import counted
from worker.model.records import Headers
from worker.tools.reading.key_path import KeyPath, key_of
from worker.tools.reading.record_file import read_record

CHUNK = 64 * 1024
BESIDE = 1024 * 1024
CRLF = b"\r\n"
STRUCTURED: Headers = (("content-type", b"application/cloudevents+json"),)


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it stands in the file; `line` is where it begins. A tombstone has no value."""

    line: int
    value: bytes | None
    key: bytes | None = None
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a line cannot be published; it never quotes the line."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


Change = Callable[[Event], Event | Problem]


def unchanged(event: Event) -> Event | Problem:
    """The event as it stands in the file."""
    return event


async def changed(events: AsyncIterator[Event | Problem], change: Change) -> AsyncIterator[Event | Problem]:
    """Yield each event as it is to be published, or why it cannot be."""
    async for event in events:
        yield event if isinstance(event, Problem) else change(event)


@dataclass(frozen=True, slots=True)
class Form:
    """What a file holds: events, or whole `records`, one a line.

    `key_path` is where the key stands in each event. Without it the key is the CloudEvent's subject or else its id, and
    a bare customer has none. A record has its own key. No value may be larger than `limit` bytes.
    """

    key_path: KeyPath | None = None
    limit: int = 1_000_000
    records: bool = False

    @property
    def line_limit(self) -> int:
        """Bytes of a line at most.

        In JSON a record's value may take six times its size, and key and headers come with it.
        """
        return self.limit * 6 + BESIDE if self.records else self.limit

    def event(self, line: int, content: bytes) -> Event | Problem:
        """The event in a line, or in the whole file."""
        if len(content) <= self.line_limit:
            found = _record(line, content) if self.records else _event(line, content, self.key_path)
            if isinstance(found, Problem) or len(found.value or b"") <= self.limit:
                return found
        return self.too_large(line)

    def too_large(self, line: int) -> Problem:
        """The problem of a line that is too large to be read."""
        return Problem(line, f"larger than {counted(self.limit, 'byte')}")


EVENTS = Form()


@dataclass(frozen=True, slots=True)
class _Line:
    """A line with its end. If `cut`, it was too long to be read, and nothing behind it is read."""

    number: int
    content: bytes
    cut: bool = False

    @property
    def bare(self) -> bytes:
        return self.content.rstrip(b"\r\n")


async def read(file: BinaryIO, form: Form = EVENTS) -> AsyncIterator[Event | Problem]:
    """Read NDJSON, or one JSON or XML document, as the first line that is not empty shows.

    What is too long to be read is yielded as a Problem, and ends the reading; nothing else does.
    """
    lines = _lines(file, form.line_limit)
    first = not form.records
    async for line in lines:
        if not line.cut and not line.content.strip():
            continue
        whole = line if not first or is_json(line.content) else await _document(line, lines, form.line_limit)
        first = False
        if whole.cut:
            yield form.too_large(whole.number)
            return
        yield form.event(whole.number, whole.bare)


async def _document(first: _Line, lines: AsyncIterator[_Line], limit: int) -> _Line:
    """One document of several lines, to the end of the file; empty lines behind its limit do not count."""
    whole = bytearray(first.content)
    async for line in lines:
        if len(whole) <= limit or line.content.strip():
            whole += line.content
        if line.cut or (line.content.strip() and len(whole) > limit + len(CRLF)):
            return _Line(first.number, bytes(whole), cut=True)
    return _Line(first.number, bytes(whole), first.cut)


async def _lines(file: BinaryIO, limit: int) -> AsyncIterator[_Line]:
    """Yield lines. One that exceeds the limit without an end is yielded as far as it was read, as the last one."""
    number, rest = 1, b""
    while len(rest) <= limit + len(CRLF) and (more := await chunk(file.fileno())):
        *lines, rest = (rest + more).split(b"\n")
        for line in lines:
            yield _Line(number, line + b"\n")
            number += 1
    if rest:
        yield _Line(number, rest, cut=len(rest) > limit + len(CRLF))


async def chunk(descriptor: int) -> bytes:
    """The next bytes, none at the end; a terminal or a pipe is awaited without blocking the event loop."""
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
    """Whether the line is a whole JSON document; if the first line is one, so must be all others."""
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _event(line: int, value: bytes, key_path: KeyPath | None) -> Event | Problem:
    if value.lstrip().startswith(b"<"):
        return Event(line, value) if key_path is None else Problem(line, "--key-path: only JSON has one")
    try:
        content = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        return Problem(line + error.lineno - 1, f"not JSON: {error.msg} (column {error.colno})")
    if not isinstance(content, dict):
        return Problem(line, "not a JSON object")
    return _keyed(line, value, content, key_path)


def _keyed(line: int, value: bytes, content: dict[str, Any], key_path: KeyPath | None) -> Event | Problem:
    headers = STRUCTURED if "specversion" in content else ()
    if key_path is None:
        key = (content.get("subject") or content.get("id")) if headers else None
        return Event(line, value, key_of(key), headers)
    if key := key_path.key(content):
        return Event(line, value, key, headers)
    return Problem(line, f"no text or number at {key_path.text} (--key-path)")


def _record(line: int, content: bytes) -> Event | Problem:
    try:
        record = read_record(content, line, "")
    except ValueError as error:
        return Problem(line, str(error))
    return Event(line, record.value, record.key, record.headers)
