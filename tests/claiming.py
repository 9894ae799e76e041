"""How partitions of the journal are claimed and read again: one suite of tests for the fake topic and for Kafka."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID, uuid4

import pytest

from worker.journal.claim import Claims, Log, Take
from worker.journal.entries import (
    Claim,
    EntryKey,
    Finished,
    Intent,
    Notice,
    Owner,
    Released,
    encode,
    encode_headers,
    is_claim,
)
from worker.journal.recall import Ended, Fresh, InDoubt
from worker.journal.terms import Restored, Terms
from worker.model.errors import JournalMismatch, JournalShared, JournalUnreadable
from worker.model.outcomes import Failed, Reason, ReasonCode, Succeeded
from worker.model.records import Headers, Stored

EVENT, OTHER = UUID(int=7), UUID(int=8)
CREATED = Succeeded("2801", "/system/ws/v12/interaction/customer/2801", "individual", 1)
DOUBT = Failed(Reason(ReasonCode.OUTCOME_UNKNOWN, "lost"), 1)
OURS, THEIRS = Owner("ours", "requests"), Owner("theirs", "elsewhere")
FOREIGN = [None, b"claim?", EntryKey(EVENT, 0, "w").encode()]


class Rig(Protocol):
    """A journal topic of two partitions that a test may delete from and make anew."""

    log: Log

    async def made_anew(self, partitions: int = 2) -> None: ...
    async def delete(self, below: int) -> None:
        """Delete what the first partition holds below that offset."""


@dataclass
class Watched:
    """A log that notes what is done to it; each of `between` is awaited once, just before the next claim."""

    log: Log
    reads: list[int | None] = field(default_factory=list)
    appended: int = 0
    between: list[Any] = field(default_factory=list)

    @property
    def topic(self) -> str:
        return self.log.topic

    async def append(
        self, partition: int, key: bytes, value: bytes, acknowledged: Any, headers: Headers = ()
    ) -> Stored:
        while self.between and is_claim(key):
            await self.between.pop()()
        self.appended += 1
        return await self.log.append(partition, key, value, acknowledged, headers)

    async def read(self, partition: int, first: int | None, end: int | None, take: Take) -> int:
        self.reads.append(first)
        return await self.log.read(partition, first, end, take)

    async def count(self) -> tuple[int, int]:
        return await self.log.count()


async def write(log, entry, *, event=EVENT, offset=0, writer="w", partition=0):
    """Write an entry; returns its offset."""
    told: list[int] = []
    key = EntryKey(event, offset, writer).encode()
    stored = await log.append(partition, key, encode(entry), told.append, encode_headers(entry))
    assert told == [stored.offset]
    return stored.offset


async def claimed_by(log, owner=None, **more):
    """Write a claim without looking at the log first; without an owner it is one of an earlier version."""
    group, topic = owner or (None, None)
    claim = Claim(uuid4().hex[:12], group=group, topic=topic, **more)
    await log.append(0, claim.key, encode(claim), lambda _: None, encode_headers(claim))


class Suite:
    """The tests; a class that inherits them gives the fixture `rig`."""

    @pytest.fixture
    def log(self, rig: Rig) -> Watched:
        return Watched(rig.log)

    @pytest.fixture
    def ours(self, log: Watched) -> Claims:
        return Claims(log, OURS, Terms())

    @pytest.fixture
    def theirs(self, log: Watched) -> Claims:
        return Claims(log, THEIRS, Terms())

    async def test_an_empty_journal(self, ours):
        """Nothing is known of any event."""
        assert (await ours.claim(0)).journal.recall(EVENT, 0) == Fresh(0)

    async def test_a_journal_is_restored_as_it_was_written(self, log, ours):
        """Each partition's entries are read again, and their offsets follow one another without a gap."""
        assert [await write(log, entry) for entry in (Intent(1), Released(1), Intent(2))] == [0, 1, 2]
        assert await write(log, Finished(DOUBT), partition=1) == 0
        assert (await ours.claim(0)).journal.recall(EVENT, 0) == InDoubt(2, frozenset({"w"}))
        assert len((await ours.claim(1)).journal) == 1

    async def test_the_fence_of_a_claim(self, log, ours):
        """200 entries at once by the claim's holder leave no gap in the offsets; another claim in between does."""
        fence = (await ours.claim(0)).fence
        keys = [EntryKey(uuid4(), number, "w").encode() for number in range(200)]
        await asyncio.gather(*[log.append(0, key, encode(Intent(1)), fence.acknowledged) for key in keys])
        assert not fence.broken
        await ours.claim(0)
        await log.append(0, keys[0], encode(Intent(1)), fence.acknowledged)
        assert fence.broken

    async def test_a_partition_that_comes_back(self, log, ours):
        """Claimed again when nobody else has written: the journal is kept, and nothing is read."""
        first = await ours.claim(0)
        key = EntryKey(EVENT, 0, first.writer).encode()
        await log.append(0, key, encode(Intent(1)), first.fence.acknowledged)
        log.reads.clear()
        second = await ours.claim(0, first)
        assert second.journal is first.journal
        assert log.reads == []
        assert second.fence.claimed == first.fence.last + 1

    async def test_a_partition_that_comes_back_from_somebody_else(self, log, ours):
        """Claimed again after somebody else has written: the journal is read anew."""
        first = await ours.claim(0)
        await write(log, Intent(1), writer="x")
        second = await ours.claim(0, first)
        assert (first.fence.broken, first.fence.anew) == (True, False)
        assert second.journal is not first.journal
        assert second.journal.recall(EVENT, 0) == InDoubt(1, frozenset({"x"}))

    async def test_a_group_that_begins_before_what_we_know(self, log, ours):
        """Claimed with an earlier committed offset than before: what was forgotten as committed is read again."""
        await write(log, Finished(CREATED), offset=3)
        first = await ours.claim(0, committed=9)
        first.journal.forget(below=9, before=1 << 62, at_most=0)
        assert (await ours.claim(0, first, 9)).journal is first.journal
        assert (await ours.claim(0, first, 2)).journal.recall(EVENT, 3) == Ended(CREATED)

    async def test_a_journal_that_is_made_anew(self, rig, log, ours):
        """The topic is deleted and made anew: the next claim keeps what this process knows, doubts included."""
        first = await ours.claim(0)
        for offset, event, entry in ((0, EVENT, Intent(1)), (1, OTHER, Finished(DOUBT))):
            key = EntryKey(event, offset, first.writer)
            await log.append(0, key.encode(), encode(entry), first.fence.acknowledged)
            first.journal.apply(key, entry, 0)
        await rig.made_anew()
        second = await ours.claim(0, first)
        assert (first.fence.broken, first.fence.anew) == (True, True)
        assert second.journal.recall(EVENT, 0) == InDoubt(1, frozenset({first.writer}))
        assert second.journal.recall(OTHER, 1) == Ended(DOUBT)
        assert (await ours.claim(0)).journal.recall(EVENT, 0) == Fresh(0)

    async def test_a_journal_with_other_partitions_than_the_requests(self, rig, log, ours):
        """A journal with more partitions than the requests, or fewer, is refused; the error names both topics."""
        await ours.claim(0)
        await rig.made_anew(3)
        before = log.appended
        with pytest.raises(JournalMismatch, match=rf"topic {log.topic} .* has 3 partitions, .* has 2 partition"):
            await ours.claim(0)
        await rig.made_anew(1)
        with pytest.raises(JournalMismatch, match=rf"topic {log.topic} .* has 1 partition,"):
            await ours.claim(1)
        assert log.appended == before
        assert len((await ours.claim(0)).journal) == 0

    async def test_claims_are_no_entries(self, ours):
        """A partition that was claimed several times has no entries by that."""
        for _ in range(3):
            restored = await ours.claim(0)
        assert len(restored.journal) == 0

    async def test_many_entries(self, log, ours):
        """All of 2 000 entries are read again."""
        await asyncio.gather(*[write(log, Intent(1), event=uuid4(), offset=number) for number in range(2_000)])
        assert len((await ours.claim(0)).journal) == 2_000

    async def test_what_is_committed_and_too_much(self, log):
        """Entries of committed records beyond the limit are left out; those of uncommitted ones never are."""
        for number in range(1, 9):
            await write(log, Finished(CREATED), event=UUID(int=number), offset=number)
        claims = Claims(log, OURS, Terms(max_entries=3))
        assert [event.int for event in (await claims.claim(0, committed=9)).journal] == [6, 7, 8]
        assert [event.int for event in (await claims.claim(0, committed=4)).journal] == [4, 5, 6, 7, 8]
        assert len((await claims.claim(0)).journal) == 8

    @pytest.mark.parametrize("key", FOREIGN)
    async def test_a_foreign_entry(self, log, ours, key):
        """An entry that cannot be read is an error that names topic, partition and offset."""
        await write(log, Intent(1))
        await log.append(0, key, b"{}", lambda _: None)
        with pytest.raises(JournalUnreadable, match=f"{log.topic}/0 at offset 1"):
            await ours.claim(0)

    async def test_a_tombstone(self, log, ours):
        """A record without a value means nothing."""
        await log.append(0, b"whatever", None, lambda _: None)
        assert len((await ours.claim(0)).journal) == 0

    async def test_a_log_that_has_lost_its_beginning(self, rig, log, ours):
        """Of a log whose beginning was deleted the rest is known."""
        for number in range(1, 5):
            await write(log, Intent(1), event=UUID(int=number), offset=number)
        await rig.delete(below=2)
        assert [event.int for event in (await ours.claim(0)).journal] == [3, 4]

    async def test_a_log_that_loses_its_beginning_between_look_and_claim(self, rig, log, ours):
        """The beginning is deleted between the look at the log and the claim: it is read from its new beginning."""
        await write(log, Intent(1), event=UUID(int=1), offset=1)

        async def moved():
            for number in (2, 3, 4):
                await write(log.log, Intent(1), event=UUID(int=number), offset=number)
            await rig.delete(below=3)

        log.between.append(moved)
        assert [event.int for event in (await ours.claim(0)).journal] == [4]

    async def test_another_deployment(self, log, ours, theirs):
        """The second deployment looks, writes nothing, and its error names both; the first goes on undisturbed."""
        mine = await ours.claim(0)
        before = log.appended
        for _ in range(2):
            with pytest.raises(JournalShared) as raised:
                await theirs.claim(0)
        for part in (f"{log.topic}/0", str(OURS), str(THEIRS), "journal adopt --from ours", "WORKER_TOPICS__JOURNAL"):
            assert part in str(raised.value)
        assert log.appended == before
        await log.append(0, EntryKey(EVENT, 0, mine.writer).encode(), encode(Intent(1)), mine.fence.acknowledged)
        assert not mine.fence.broken

    @pytest.mark.parametrize("theirs", [Owner("ours", "elsewhere"), Owner("theirs", "requests")])
    async def test_a_name_that_is_half_ours(self, log, ours, theirs):
        """A claim of the same group for another topic, or of another group for our topic, is another deployment's."""
        await claimed_by(log, theirs)
        with pytest.raises(JournalShared):
            await ours.claim(0)

    async def test_two_deployments_at_once(self, log, ours, theirs):
        """Of two claims at once the earlier wins: the later holder stops, and the earlier one claims again."""
        log.between.append(lambda: claimed_by(log.log, THEIRS))
        with pytest.raises(JournalShared):
            await ours.claim(0)
        before = log.appended
        with pytest.raises(JournalShared):
            await ours.claim(0)
        assert log.appended == before
        assert isinstance(await theirs.claim(0), Restored)

    async def test_two_deployments_at_once_where_one_had_the_partition(self, log, ours, theirs):
        """Of two claims at once the holder before wins, although the other's claim came first."""
        mine = await ours.claim(0)
        log.between.append(lambda: claimed_by(log.log, THEIRS))
        again = await ours.claim(0, mine)
        assert again.journal.holder == OURS
        with pytest.raises(JournalShared):
            await theirs.claim(0)
        assert (await ours.claim(0)).journal.holder == OURS

    async def test_claims_of_earlier_versions(self, log, ours, theirs):
        """Claims of earlier versions name no owner and count as our own."""
        await claimed_by(log)
        assert (await ours.claim(0)).journal.holder == OURS
        await claimed_by(log)
        with pytest.raises(JournalShared):
            await theirs.claim(0)

    async def test_a_group_that_was_renamed(self, log, ours, theirs):
        """A person adopts the journal for another group: from then on it is that group's alone."""
        await ours.claim(0)
        await claimed_by(log, THEIRS, adopted_from="nobody")
        await ours.claim(0)
        await claimed_by(log, THEIRS, adopted_from="ours")
        assert (await theirs.claim(0)).journal.holder == THEIRS
        with pytest.raises(JournalShared):
            await ours.claim(0)

    async def test_a_claim_that_retention_took(self, rig, log, ours, theirs):
        """A notice, written later than the claim, still tells the owner and the offsets that expired unread."""
        mine = await ours.claim(0)
        notice = Notice(mine.writer, OURS, ((3, 9),))
        await log.append(0, notice.key, notice.value, mine.fence.acknowledged, notice.headers)
        assert not mine.fence.broken
        await rig.delete(below=1)
        with pytest.raises(JournalShared):
            await theirs.claim(0)
        again = await ours.claim(0)
        assert (len(again.journal), again.journal.expired) == (0, ((3, 9),))
