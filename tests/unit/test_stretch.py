"""Batches as they stand in the log, with the ends of transactions between them: nothing is lost, whatever is odd."""

import struct
from collections.abc import Iterator, Sequence

import pytest
from aiokafka import TopicPartition
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy as Builder
from hypothesis import given
from hypothesis import strategies as st
from scripted_log import ODD, batch, corrupt, next_offset, sealed, unknown_codec

from worker.kafka.batches import CONTROL, TRANSACTIONAL
from worker.kafka.stretch import Piece, pieces

PLACE = TopicPartition("requests", 3)
ATTRIBUTES, PRODUCER = 21, 43


def of(raw: bytes, producer: int, attributes: int) -> bytes:
    """The same batch, as that producer wrote it."""
    changed = bytearray(raw)
    struct.pack_into(">h", changed, ATTRIBUTES, attributes)
    struct.pack_into(">q", changed, PRODUCER, producer)
    return sealed(changed)


def written(base: int, count: int, producer: int) -> bytes:
    """Records of a transaction."""
    return of(batch(base, count), producer, TRANSACTIONAL)


def ended(base: int, producer: int, kind: int) -> bytes:
    """The end of one: 0 is aborted, 1 committed."""
    builder = Builder(2, 0, 0, -1, -1, -1, 2**20)
    builder.append(0, 1_000, struct.pack(">hh", 0, kind), b"\0" * 6, [])
    raw = bytearray(builder.build())
    struct.pack_into(">q", raw, 0, base)
    return of(bytes(raw), producer, TRANSACTIONAL | CONTROL)


def read(raw: bytes, first: int = 0, end: int = 1_000, aborted: Sequence[tuple[int, int]] = ()) -> list[Piece]:
    return list(pieces(raw, aborted, PLACE, (first, end)))


def offsets(found: Sequence[Piece]) -> list[int]:
    return [record.offset for piece in found for record in piece.records]


@pytest.mark.parametrize("codec", [0, 1, 2, 3, 4])
def test_records(codec: int) -> None:
    """In every compression; each batch goes on where the one before ended."""
    found = read(batch(0, 3, codec=codec) + batch(3, 2, last=9))
    assert [(each.first, each.next_offset) for each in found] == [(0, 3), (3, 10)]
    assert offsets(found) == [0, 1, 2, 3, 4]
    (record, *_) = found[0].records
    assert (record.topic, record.partition, record.key, record.value, record.timestamp) == (
        *("requests", 3, b"k", b"0"),
        1_000,
    )


@given(st.integers(0, 5), st.integers(0, 8))
def test_a_span(first: int, end: int) -> None:
    """What stands before or behind it is not handed out."""
    assert offsets(read(batch(0, 3) + batch(3, 3), first, end)) == list(range(first, min(end, 6)))


def test_what_is_cut_off() -> None:
    """It is fetched again, unless nothing stands before it, where nobody will ever read more."""
    whole = batch(0, 3)
    assert offsets(read(whole + whole[:-1])) == offsets(read(whole + whole[:7])) == [0, 1, 2]
    (alone,) = read(whole[:-1])
    assert (alone.next_offset, alone.unreadable) == (3, "its end is missing")
    (stub,) = read(whole[:7], 5, 9)
    assert (stub.next_offset, stub.unreadable) == (9, "it is shorter than its header")


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (corrupt(batch(3, 2)), "it is corrupt (its checksum is another)"),
        (unknown_codec(batch(3, 2)), "unknown compression 7"),
    ],
)
def test_a_batch_that_nobody_can_read(odd: bytes, why: str) -> None:
    """It is told, and the next one is read."""
    found = read(batch(0, 3) + odd + batch(5, 1))
    assert [each.unreadable for each in found] == [None, why, None]
    assert offsets(found) == [0, 1, 2, 5]


def test_a_record_that_is_odd() -> None:
    """It says so itself, and spoils no other."""
    (found,) = read(batch(0, 3, headers=ODD, odd_at=1))
    assert [bool(record.unreadable) for record in found.records] == [False, True, False]


def test_transactions_in_one_another() -> None:
    """Each is taken back by its own end, and its producer's next one is another."""
    raw = b"".join(
        [
            written(0, 2, producer=7),
            written(2, 3, producer=8),
            batch(5, 1),
            ended(6, 7, kind=0),
            written(7, 4, producer=7),
            ended(11, 8, kind=1),
            ended(12, 7, kind=1),
            ended(13, 9, kind=5),
        ]
    )
    found = read(raw, aborted=[(7, 0)])
    assert [each.taken_back for each in found] == [2, 0, 0, 0, 0, 0, 0, 0]
    assert [each.end for each in found] == [None, None, None, "aborted", None, "committed", "committed", None]
    assert offsets(found) == [2, 3, 4, 5, 7, 8, 9, 10]


STORY = st.lists(st.tuples(st.sampled_from("wac"), st.integers(1, 3), st.integers(1, 3)), max_size=20)


def told(story: Sequence[tuple[str, int, int]]) -> Iterator[tuple[bytes, int, str, int, int]]:
    """(batch, its first offset, what it is, whose, how many records)."""
    offset = 0
    for what, producer, count in story:
        raw = written(offset, count, producer) if what == "w" else ended(offset, producer, int(what == "c"))
        yield raw, offset, what, producer, count
        offset = next_offset(raw)


@given(STORY, st.integers(0, 20))
def test_any_transactions(story: list[tuple[str, int, int]], begin: int) -> None:
    """What their ends say of their records is what is read of them, from whichever batch on."""
    batches = list(told(story))
    fates: dict[int, str] = {}
    aborted: list[tuple[int, int, int]] = []
    for _, offset, what, producer, _ in batches:
        mine = [at for _, at, kind, who, _ in batches if kind == "w" and who == producer and at < offset]
        if what != "w" and (open_ := [at for at in mine if at not in fates]):
            fates |= dict.fromkeys(open_, what)
            aborted += [(producer, min(open_), offset)] if what == "a" else []
    stable = min((at for _, at, what, _, _ in batches if what == "w" and at not in fates), default=1_000)
    kept = [each for each in batches[begin:] if each[1] < stable]
    first = kept[0][1] if kept else 0
    raw = b"".join(each[0] for each in kept)
    # As a broker tells them: those that end behind the place that is read from.
    overlapping = [(producer, since) for producer, since, end in aborted if end >= first]
    found = read(raw, first, stable, overlapping)
    expected = [at + more for _, at, what, _, n in kept if what == "w" and fates[at] == "c" for more in range(n)]
    assert offsets(found) == expected
    assert sum(each.taken_back for each in found) == sum(n for _, at, what, _, n in kept if fates.get(at) == "a")
