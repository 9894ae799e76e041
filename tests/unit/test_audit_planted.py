"""Faults that are planted among the ends of some hundred requests: the audit finds each of them, and nothing else."""

from collections import Counter, defaultdict
from itertools import count

import pytest
from bench.planting import FAILS, KINDS, PARTITIONS, Planting, told

from worker.model.records import Record
from worker.tools.audit.found import Found
from worker.tools.audit.judge import Judge
from worker.tools.dead_letters.letters import letter
from worker.tools.reading.offset_set import OffsetSet
from worker.tools.reading.place import Place
from worker.tools.verification import reading
from worker.tools.verification.reading import Success
from worker.topics import Plan

PLAN = Plan("requests", "ok", "failed", "letters", "journal", PARTITIONS)


class Topics:
    """Everything that was published, by topic, in the partitions that the bench gives it."""

    def __init__(self, planting: Planting) -> None:
        self.records: defaultdict[str, list[Record]] = defaultdict(list)
        offsets: defaultdict[tuple[str, int], count[int]] = defaultdict(count)
        for number, each in enumerate(planting.messages()):
            partition = number % PARTITIONS if each.partition is None else each.partition
            at = next(offsets[each.topic, partition])
            self.records[each.topic].append(Record(each.topic, partition, at, 0, each.key, each.value, each.headers))


class Auditor:
    """The judge, fed as a round feeds it: letters before the failed events that name them."""

    def __init__(self, topics):
        self.found: list[Found] = []
        self.judge = Judge(self.found.append)
        self.records = topics.records
        for partition in range(PARTITIONS):
            self.judge.begin(partition, 0)

    def read(self):
        for record in self.records["letters"]:
            request = letter(record).request
            assert request is not None
            self.judge.letter(Place(record.partition, record.offset), request, 0.0)
        self._read_successes()
        for record in self.records["failed"]:
            event = reading.failure(record.value, "requests", "letters")
            assert event is not None
            self.judge.failure(event, lettered=self.judge.knows(event))

    def _read_successes(self):
        successes: dict[Place, Success] = {}
        for record in self.records["ok"]:
            event, at = reading.success(record.value, "requests"), Place(record.partition, record.offset)
            assert event is not None
            successes[at] = event
            if (first := self.judge.success(event, at)) is not None:
                self.judge.duplicate(event, successes[first])

    def judge_all(self, ends):
        for partition, end in ends.items():
            gaps = OffsetSet(0, end)
            for run in self.judge.missing(partition, end):
                for offset in range(*run):
                    gaps.add(offset)
            self.judge.close(partition, end, gaps)


@pytest.mark.parametrize("faults", [0, 1, 10])
def test_planted_faults(faults):
    """All are found, each once, and none is invented."""
    planting = Planting(PLAN, 700, faults)
    auditor = Auditor(Topics(planting))
    auditor.read()
    auditor.judge_all(planting.ends)
    heard = Counter(each for found in auditor.found for each in told(found))
    assert set(heard) == planting.expected()
    assert len(planting.expected()) == faults * len(KINDS)
    assert set(heard.values()) <= {1}


def test_what_is_planted():
    """So many of each kind, on requests that would have succeeded, well apart; and some requests do fail."""
    planted = Planting(PLAN, 900, 10).kinds()
    assert Counter(planted.values()) == dict.fromkeys(KINDS, 10)
    assert all(number % FAILS and (number - 1) % FAILS for number in planted)
    with pytest.raises(ValueError, match="take 600 records"):
        Planting(PLAN, 599, 10)
