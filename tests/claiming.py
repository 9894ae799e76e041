"""What a claim of the journal keeps, reads again, remembers and refuses: one suite for the stand-in and for Kafka."""

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
    """A journal of two partitions."""

    log: Log

    async def made_anew(self, partitions: int = 2) -> None: ...
    async def delete(self, below: int) -> None:
        """What the first partition holds below that offset."""


@dataclass
class Watched:
    """The log, and what was done to it; each of `between` is awaited once, before the next claim is written."""

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
    """The offset at which it is stored."""
    told: list[int] = []
    key = EntryKey(event, offset, writer).encode()
    stored = await log.append(partition, key, encode(entry), told.append, encode_headers(entry))
    assert told == [stored.offset]
    return stored.offset


async def claimed_by(log, owner=None, **more):
    """A claim that was written without looking, by an earlier version where no owner is named."""
    group, topic = owner or (None, None)
    claim = Claim(uuid4().hex[:12], group=group, topic=topic, **more)
    await log.append(0, claim.key, encode(claim), lambda _: None, encode_headers(claim))


class Suite:
    """`rig` is given by who inherits."""

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
        """Nothing is known."""
        assert (await ours.claim(0)).journal.recall(EVENT, 0) == Fresh(0)

    async def test_a_journal_is_restored_as_it_was_written(self, log, ours):
        """Each partition by itself; offsets follow one another."""
        assert [await write(log, entry) for entry in (Intent(1), Released(1), Intent(2))] == [0, 1, 2]
        assert await write(log, Finished(DOUBT), partition=1) == 0
        assert (await ours.claim(0)).journal.recall(EVENT, 0) == InDoubt(2, frozenset({"w"}))
        assert len((await ours.claim(1)).journal) == 1

    async def test_the_fence_of_a_claim(self, log, ours):
        """Our own entries follow one another, however many at once; anybody else's makes a gap."""
        fence = (await ours.claim(0)).fence
        keys = [EntryKey(uuid4(), number, "w").encode() for number in range(200)]
        await asyncio.gather(*[log.append(0, key, encode(Intent(1)), fence.acknowledged) for key in keys])
        assert not fence.broken
        await ours.claim(0)
        await log.append(0, keys[0], encode(Intent(1)), fence.acknowledged)
        assert fence.broken

    async def test_a_partition_that_comes_back(self, log, ours):
        """Nothing is read of what we know, where nobody has written meanwhile."""
        first = await ours.claim(0)
        key = EntryKey(EVENT, 0, first.writer).encode()
        await log.append(0, key, encode(Intent(1)), first.fence.acknowledged)
        log.reads.clear()
        second = await ours.claim(0, first)
        assert second.journal is first.journal
        assert log.reads == []
        assert second.fence.claimed == first.fence.last + 1

    async def test_a_partition_that_comes_back_from_somebody_else(self, log, ours):
        """It is read again."""
        first = await ours.claim(0)
        await write(log, Intent(1), writer="x")
        second = await ours.claim(0, first)
        assert (first.fence.broken, first.fence.anew) == (True, False)
        assert second.journal is not first.journal
        assert second.journal.recall(EVENT, 0) == InDoubt(1, frozenset({"x"}))

    async def test_a_group_that_begins_before_what_we_know(self, log, ours):
        """What was forgotten as committed is read once more."""
        await write(log, Finished(CREATED), offset=3)
        first = await ours.claim(0, committed=9)
        first.journal.forget(below=9, before=1 << 62, at_most=0)
        assert (await ours.claim(0, first, 9)).journal is first.journal
        assert (await ours.claim(0, first, 2)).journal.recall(EVENT, 3) == Ended(CREATED)

    async def test_a_journal_that_is_made_anew(self, rig, log, ours):
        """What we have kept of it is remembered at the next claim, open doubts as well; of what we did not, nothing."""
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
        """With more it is another one, with fewer it lacks those of the others; the error names both topics."""
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
        """A partition that was claimed often holds nothing but its events."""
        for _ in range(3):
            restored = await ours.claim(0)
        assert len(restored.journal) == 0

    async def test_many_entries(self, log, ours):
        """All are there again, in order."""
        await asyncio.gather(*[write(log, Intent(1), event=uuid4(), offset=number) for number in range(2_000)])
        assert len((await ours.claim(0)).journal) == 2_000

    async def test_what_is_committed_and_too_much(self, log):
        """It is left out while it is read; what is not committed never is."""
        for number in range(1, 9):
            await write(log, Finished(CREATED), event=UUID(int=number), offset=number)
        claims = Claims(log, OURS, Terms(max_entries=3))
        assert [event.int for event in (await claims.claim(0, committed=9)).journal] == [6, 7, 8]
        assert [event.int for event in (await claims.claim(0, committed=4)).journal] == [4, 5, 6, 7, 8]
        assert len((await claims.claim(0)).journal) == 8

    @pytest.mark.parametrize("key", FOREIGN)
    async def test_a_foreign_entry(self, log, ours, key):
        """The journal is never guessed at: the error names topic, partition and offset."""
        await write(log, Intent(1))
        await log.append(0, key, b"{}", lambda _: None)
        with pytest.raises(JournalUnreadable, match=f"{log.topic}/0 at offset 1"):
            await ours.claim(0)

    async def test_a_tombstone(self, log, ours):
        """Somebody cleaned up: it says nothing."""
        await log.append(0, b"whatever", None, lambda _: None)
        assert len((await ours.claim(0)).journal) == 0

    async def test_a_log_that_has_lost_its_beginning(self, rig, log, ours):
        """What is still there is known."""
        for number in range(1, 5):
            await write(log, Intent(1), event=UUID(int=number), offset=number)
        await rig.delete(below=2)
        assert [event.int for event in (await ours.claim(0)).journal] == [3, 4]

    async def test_a_log_that_loses_its_beginning_between_look_and_claim(self, rig, log, ours):
        """It is read from its new start up to the claim."""
        await write(log, Intent(1), event=UUID(int=1), offset=1)

        async def moved():
            for number in (2, 3, 4):
                await write(log.log, Intent(1), event=UUID(int=number), offset=number)
            await rig.delete(below=3)

        log.between.append(moved)
        assert [event.int for event in (await ours.claim(0)).journal] == [4]

    async def test_another_deployment(self, log, ours, theirs):
        """Whoever comes later looks, writes nothing and names both; who has the partition goes on and never notices."""
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
        """Another topic of our group is another deployment, and so is another group."""
        await claimed_by(log, theirs)
        with pytest.raises(JournalShared):
            await ours.claim(0)

    async def test_two_deployments_at_once(self, log, ours, theirs):
        """The earlier claim goes on: the later one holds, and who is first claims anew after the gap."""
        log.between.append(lambda: claimed_by(log.log, THEIRS))
        with pytest.raises(JournalShared):
            await ours.claim(0)
        before = log.appended
        with pytest.raises(JournalShared):
            await ours.claim(0)
        assert log.appended == before
        assert isinstance(await theirs.claim(0), Restored)

    async def test_two_deployments_at_once_where_one_had_the_partition(self, log, ours, theirs):
        """It goes on, although the other's claim came earlier this time."""
        mine = await ours.claim(0)
        log.between.append(lambda: claimed_by(log.log, THEIRS))
        again = await ours.claim(0, mine)
        assert again.journal.holder == OURS
        with pytest.raises(JournalShared):
            await theirs.claim(0)
        assert (await ours.claim(0)).journal.holder == OURS

    async def test_claims_of_earlier_versions(self, log, ours, theirs):
        """They name nobody: they are ours."""
        await claimed_by(log)
        assert (await ours.claim(0)).journal.holder == OURS
        await claimed_by(log)
        with pytest.raises(JournalShared):
            await theirs.claim(0)

    async def test_a_group_that_was_renamed(self, log, ours, theirs):
        """What a person has taken over is theirs from then on, and nobody else's any more."""
        await ours.claim(0)
        await claimed_by(log, THEIRS, adopted_from="nobody")
        await ours.claim(0)
        await claimed_by(log, THEIRS, adopted_from="ours")
        assert (await theirs.claim(0)).journal.holder == THEIRS
        with pytest.raises(JournalShared):
            await ours.claim(0)

    async def test_a_claim_that_retention_took(self, rig, log, ours, theirs):
        """A notice still says whose the partition is, and which requests nobody could read."""
        mine = await ours.claim(0)
        notice = Notice(mine.writer, OURS, ((3, 9),))
        await log.append(0, notice.key, notice.value, mine.fence.acknowledged, notice.headers)
        assert not mine.fence.broken
        await rig.delete(below=1)
        with pytest.raises(JournalShared):
            await theirs.claim(0)
        again = await ours.claim(0)
        assert (len(again.journal), again.journal.expired) == (0, ((3, 9),))
