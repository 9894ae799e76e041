"""A file that is read twice from its beginning: to check all of it, then to publish it."""

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import BinaryIO

from worker.tools.reading.event_file import chunk


@asynccontextmanager
async def read_twice(file: BinaryIO) -> AsyncIterator["Twice"]:
    """Yield a file that can be read twice; a pipe is first read into a temporary file."""
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
    """A file that is read from its beginning each time."""

    def __init__(self, file: BinaryIO, start: int) -> None:
        self._file = file
        self._start = start

    @property
    def size(self) -> int:
        """The file's size in bytes."""
        return os.fstat(self._file.fileno()).st_size - self._start

    def again(self) -> BinaryIO:
        """The file, from the beginning on."""
        os.lseek(self._file.fileno(), self._start, os.SEEK_SET)
        return self._file
