"""Lets this process read records whose header names are not UTF-8, which aiokafka's reader cannot."""

from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record import default_records, memory_records


class Bytes(bytearray):
    """Texts cut out of it hold a replacement for what is not UTF-8."""

    def __getitem__(self, at: Any) -> Any:
        found = super().__getitem__(at)
        return Bytes(found) if isinstance(found, bytearray) else found

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        return bytes(self).decode(encoding, errors)


class Batch(default_records._DefaultRecordBatchPy):  # type: ignore[misc]
    """As aiokafka's own, over such bytes."""

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        if not isinstance(self._buffer, Bytes):
            self._buffer = Bytes(self._buffer)


def install() -> None:
    """For the whole process."""
    memory_records.DefaultRecordBatch = Batch  # type: ignore[attr-defined]
    fetcher.MemoryRecords = memory_records._MemoryRecordsPy  # type: ignore[attr-defined]
