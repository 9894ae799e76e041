"""Chooses the records to be read: of a partition, between two times, and a number over all partitions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from worker.kafka.extent import Extent
from worker.tools.reading.offset_set import Run


@dataclass(frozen=True, slots=True)
class Asked:
    """What to rehearse. All conditions must hold; times are milliseconds since the epoch.

    `tolerate` is the percentage of records that may fail. `latency` is how many seconds an API call takes, `in_flight`
    how many calls there are at once. With a `live_catalog` configured values cannot be checked. `mapped`: a mapping
    turns events of any type into ours.
    """

    since: int | None = None
    until: int | None = None
    limit: int | None = None
    partition: int | None = None
    tolerate: float = 0.0
    latency: float = 0.2
    in_flight: int = 64
    live_catalog: bool = False
    mapped: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """The offsets from `first` up to `end` of one partition, of which at most `most` records are read."""

    partition: int
    first: int
    end: int
    most: int


async def chosen(extent: Extent, asked: Asked) -> tuple[Extent, list[Part]]:
    """The part of the topic that is asked for, as it is now."""
    since = await extent.at(asked.since) if asked.since is not None else {}
    until = await extent.at(asked.until) if asked.until is not None else {}
    spans = {place.partition: span for place, span in extent.ends.items()}
    runs = {
        number: (max(first, since.get(number, first)), max(first, min(end, until.get(number, end))))
        for number, (first, end) in spans.items()
    }
    most = shares({number: max(0, end - first) for number, (first, end) in runs.items()}, asked.limit)
    parts = [Part(number, first, max(first, end), most[number]) for number, (first, end) in sorted(runs.items())]
    return _of(extent, runs), parts


def _of(extent: Extent, runs: Mapping[int, Run]) -> Extent:
    return replace(extent, ends={place: runs[place.partition] for place in extent.ends})


def shares(sizes: Mapping[int, int], limit: int | None) -> dict[int, int]:
    """How many records of each partition are read: `limit` together, each in proportion to its size."""
    total = sum(sizes.values())
    if limit is None or limit >= total:
        return dict(sizes)
    given = {number: size * limit // total for number, size in sizes.items()}
    left = limit - sum(given.values())
    # The partitions that were rounded down most get the rest.
    for number in sorted(sizes, key=lambda each: -(sizes[each] * limit % total))[:left]:
        given[number] += 1
    return given
