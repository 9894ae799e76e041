"""Looks on at every commit: an offset is stored only where all that stands before it was told, and stays told."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import orjson
from finding import Finding

from worker.settings.settings import Settings

from .broker.cluster import Cluster
from .broker.log import Log
from .facts import Place, counted

Offsets = Mapping[tuple[str, int], tuple[int, str]]


@dataclass(eq=False)
class Witness:
    """`told` are the requests whose terminal event all in-sync replicas have.

    `began` is where each partition's log began when the group stored its first offset.
    """

    cluster: Cluster
    settings: Settings
    findings: list[Finding] = field(default_factory=list)
    told: set[Place] = field(default_factory=set)
    began: dict[int, int] = field(default_factory=dict)
    _read: dict[tuple[str, int], int] = field(default_factory=dict)

    def committed(self, before: Offsets, after: Offsets) -> None:
        """The group has stored these offsets."""
        self._listen()
        requests = self.settings.topics.requests
        for (topic, number), (offset, _) in after.items():
            log = self.cluster.topics[topic].logs[number]
            since, _ = before.get((topic, number), (log.start, ""))
            if offset < since and (topic, number) in before:
                self.findings.append(Finding("rewound", f"partition {number} was at {since}, and is set to {offset}"))
            if topic == requests:
                self.began.setdefault(number, log.start)
                self.findings += self._missing(log, number, since, offset)

    def _missing(self, log: Log, number: int, since: int, until: int) -> Iterator[Finding]:
        for record in counted(log, log.batches, since, until):
            if (number, record.offset) not in self.told and record.offset >= log.start:
                yield Finding("lost", f"record {number}@{record.offset} was committed before its end was told")

    def forgets(self, topic: str) -> None:
        """The topic is about to be deleted: hear what it tells; another one of its name is read from the beginning."""
        self._listen()
        self._read = {place: offset for place, offset in self._read.items() if place[0] != topic}

    def _listen(self) -> None:
        topics = self.settings.topics
        for name in (topics.succeeded, topics.failed):
            for number, log in enumerate(self.cluster.logs(name)):
                for record in counted(log, log.batches, self._read.get((name, number), 0), log.replicated):
                    request = orjson.loads(record.value)["data"]["request"]
                    self.told.add((request["partition"], request["offset"]))
                self._read[name, number] = log.replicated
