"""Events from a file, published to the request topic in the order in which they stand there."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

import orjson
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from worker.creation.pace import Pace
from worker.model.errors import KafkaUnavailable, StartupError
from worker.model.records import Headers, OutgoingMessage

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


class Publisher(Protocol):
    """Keeps the order of what it is given."""

    @property
    def unacknowledged(self) -> int:
        """How many messages were handed over and may or may not be in Kafka yet."""

    async def hand_over(self, message: OutgoingMessage) -> None:
        """Return as soon as there is room for more; raises when an earlier message could not be published."""

    async def flush(self) -> None:
        """Return when all that was handed over is acknowledged."""


@dataclass(frozen=True, slots=True)
class Produced:
    """What was published, and what ended it early; `unknown` of the last events may or may not be in Kafka."""

    topic: str
    events: int
    size: int
    seconds: float
    problem: Problem | None = None
    unknown: int = 0

    def __str__(self) -> str:
        speed = self.size / self.seconds if self.seconds else 0.0
        done = f"{self.events} published to {self.topic}, {self.size} bytes, {speed:.0f} bytes/s"
        if self.problem is None:
            return done
        doubt = f", the last {self.unknown} perhaps not" if self.unknown else ""
        return f"{self.problem}; stopped before it: {done}{doubt}"


async def produce(
    events: AsyncIterator[Event | Problem],
    publisher: Publisher,
    topic: str,
    *,
    rate: float | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> Produced:
    """Publish up to the first problem; `rate` is events a second, evenly, `advance` is told the bytes of each."""
    count = size = line = 0
    problem = None
    pace, started = Pace(rate), time.monotonic()
    try:
        async for event in events:
            line = event.line
            if isinstance(event, Problem):
                problem = event
                break
            await _wait(pace.reserve())
            if problem := await _refusal(event, publisher, topic):
                break
            count, size = count + 1, size + len(event.value)
            advance(len(event.value))
        await publisher.flush()
    except KafkaUnavailable as error:
        problem = Problem(line, str(error))
    return Produced(topic, count, size, time.monotonic() - started, problem, publisher.unacknowledged)


async def _refusal(event: Event, publisher: Publisher, topic: str) -> Problem | None:
    """None once the event is handed over."""
    try:
        await publisher.hand_over(OutgoingMessage(topic, event.key, event.value, event.headers))
    except StartupError as error:
        return Problem(event.line, str(error))
    return None


async def _wait(seconds: float) -> None:
    if seconds > 0:
        await asyncio.sleep(seconds)


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
        whole = line if not first or _is_json(line) else line + await _rest(lines, limit)
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


def _is_json(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _event(line: int, value: bytes, key_path: str | None, limit: int) -> Event | Problem:
    if len(value) > limit:
        return Problem(line, f"larger than {limit} bytes")
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


@contextmanager
def progress(total: int | None, console: Console) -> Iterator[Callable[[int], None]]:
    """A bar over the bytes, on a terminal only; `total` is None where nobody knows."""
    columns = (TextColumn("{task.fields[events]} events"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("", total=total, events=0)
        events = 0

        def advance(size: int) -> None:
            nonlocal events
            events += 1
            bar.update(task, advance=size, events=events)

        yield advance
