"""Requests that were deleted before they were read: the journal tells which, as the log no longer can."""

from collections.abc import Collection, Iterable, Iterator
from itertools import chain

from worker.journal.entry_headers import EXPIRED, read_claim_headers
from worker.kafka.connection import Connection
from worker.kafka.extent import extent
from worker.kafka.reader import UNCOMMITTED
from worker.model.records import Headers
from worker.tools.reading.offset_set import Run


async def expired(connection: Connection, journal: str, partitions: Collection[int]) -> dict[int, list[Run]]:
    """The (first, end) offsets by partition, from the journal's entries; every claim repeats those it knows."""
    found: dict[int, set[Run]] = {number: set() for number in partitions}
    async with extent(connection, journal, partitions, isolation=UNCOMMITTED) as entries:
        async for told, _ in entries.read_as(lambda record: (record.partition, _told(tuple(record.headers)))):
            for number, spans in told:
                found[number].update(spans)
    return {number: list(joined(spans)) for number, spans in found.items() if spans}


def _told(headers: Headers) -> tuple[Run, ...]:
    if not any(name == EXPIRED for name, _ in headers):
        return ()
    try:
        return read_claim_headers(headers).expired
    except ValueError:
        return ()


def joined(*spans: Iterable[Run]) -> Iterator[Run]:
    """The spans in order, with those that touch joined."""
    first = end = -1
    for begins, ends in sorted(chain.from_iterable(spans)):
        if begins > end:
            if end > first:
                yield first, end
            first, end = begins, ends
        end = max(end, ends)
    if end > first:
        yield first, end
