"""How a partition of the journal becomes ours, without a broker."""

import pytest
from claiming import EVENT, OURS, Suite, write
from fakes import FakeJournalTopic

from worker.journal.claim import Claims, shared
from worker.journal.entries import Intent, Owner
from worker.journal.terms import Terms
from worker.model.errors import KafkaUnavailable


class Memory:
    """A log in memory."""

    def __init__(self):
        self.log = FakeJournalTopic(counts=(2, 2), owner=OURS)

    async def made_anew(self, partitions=2):
        self.log.topics.logs.clear()
        self.log.counts = (partitions, 2)

    async def delete(self, below):
        self.log.start[0] = below


class TestClaims(Suite):
    """The whole suite over the stand-in."""

    @pytest.fixture
    def rig(self):
        return Memory()


def test_a_group_whose_name_is_several_words():
    """It is quoted: somebody else chose it, and the command is pasted into a shell."""
    told = shared("journal/0", Owner("a; b", "requests"), OURS)
    assert told.endswith("`customer-worker journal adopt --from 'a; b'`")


async def test_topics_that_are_not_there():
    """Each is named."""
    log = FakeJournalTopic(counts=(0, 2))
    with pytest.raises(KafkaUnavailable, match=r"^journal: it does not exist"):
        await log.claim(0)
    log.counts = (2, 0)
    with pytest.raises(KafkaUnavailable, match=r"^requests: it does not exist"):
        await log.claim(0)


async def test_a_log_that_is_made_anew_between_look_and_claim():
    """What was read is of another log: nothing is opened on it."""
    log = FakeJournalTopic()
    await write(log, Intent(1))
    await write(log, Intent(1))
    log.topics.before = lambda message: log.topics.logs.clear()
    with pytest.raises(KafkaUnavailable, match="made anew"):
        await log.claim(0)
    log.topics.before = lambda _: None
    assert len((await log.claim(0)).journal) == 0


@pytest.mark.parametrize("moves", [1, 5])
async def test_a_log_whose_beginning_moves_while_it_is_read(moves):
    """It is read from its new start, as often as that moves."""
    log = FakeJournalTopic()
    for number in range(8):
        await write(log, Intent(1), offset=number)
    read = log.read
    left = moves

    async def moving(partition, first, end, take):
        nonlocal left
        if left:
            left -= 1
            log.start[0] += 1
            return await read(partition, log.start[0] - 1, end, take)
        return await read(partition, first, end, take)

    log.read = moving  # type: ignore[method-assign]  # one method of one object
    known = (await Claims(log, OURS, Terms()).claim(0)).journal.known(EVENT)
    assert sorted(known.records) == list(range(moves, 8))
