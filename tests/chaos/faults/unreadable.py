"""A batch that is corrupt on the disk for a while."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from struct import Struct

from chaos import topics
from chaos.faults.stopped import stopped
from chaos.scene import Scene
from chaos.stream import PARTITIONS
from chaos.troubles import Step

HEAD = Struct(">qi")
INSIDE = 70
"""Where a batch's records begin, and a few bytes on."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Its partition waits for it, and no other one does."""

    of_kafka: bool = True

    async def strike(self, scene: Scene, step: Step) -> None:
        """It is one that nobody has read yet."""
        assert scene.broker is not None, "this Kafka's disk is somebody else's"
        partition = step.number % PARTITIONS
        (file,) = scene.broker.directory.rglob(f"{scene.names.of('requests')}-{partition}/*.log")
        async with stopped(scene):
            await asyncio.sleep(1)
            _, committed = await topics.offsets(scene.kafka, scene.names)
            unread = [span for first, *span in batches(file.read_bytes()) if first >= committed[partition]]
        if unread:
            with spoilt(file, *unread[len(unread) // 2]):
                await asyncio.sleep(step.seconds)


def batches(log: bytes) -> Iterator[tuple[int, int, int]]:
    """(first offset, start and end in the file) of each batch."""
    at = 0
    while at + HEAD.size <= len(log):
        first, size = HEAD.unpack_from(log, at)
        end = at + HEAD.size + size
        if not size or end > len(log):
            return
        yield first, at, end
        at = end


@contextmanager
def spoilt(file: Path, start: int, end: int) -> Iterator[None]:
    """One bit is another one; afterwards it is as it was."""
    at = min(start + INSIDE, end - 1)
    good = file.read_bytes()[at : at + 1]
    _written(file, at, bytes([good[0] ^ 0x55]))
    try:
        yield
    finally:
        _written(file, at, good)


def _written(file: Path, at: int, raw: bytes) -> None:
    with file.open("r+b") as segment:
        segment.seek(at)
        segment.write(raw)
