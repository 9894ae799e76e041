"""A file that is read from its beginning twice: first to check all of it, then to publish it."""

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import BinaryIO

from worker.tools.reading.event_file import chunk


@asynccontextmanager
async def read_twice(file: BinaryIO) -> AsyncIterator["Twice"]:
    """A pipe is read to its end into a file without a name, which is gone afterwards."""
    try:
        start = os.lseek(file.fileno(), 0, os.SEEK_CUR)
    except OSError:
        with tempfile.TemporaryFile() as kept:
            while read := await chunk(file.fileno()):
                kept.write(read)
            kept.flush()
            yield Twice(kept, 0)
    else:
        yield Twice(file, start)


class Twice:
    """From its beginning each time."""

    def __init__(self, file: BinaryIO, start: int) -> None:
        self._file = file
        self._start = start

    @property
    def size(self) -> int:
        """In bytes."""
        return os.fstat(self._file.fileno()).st_size - self._start

    def again(self) -> BinaryIO:
        """The file, from the beginning on."""
        os.lseek(self._file.fileno(), self._start, os.SEEK_SET)
        return self._file
