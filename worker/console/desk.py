"""What the pages about dead letters share: the index, inquiries under way, plans and runs."""

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from worker import wiring
from worker.console.index.brief import brief
from worker.console.index.filling import Filling
from worker.console.index.index import Index
from worker.console.index.lists import Listed, Lists
from worker.console.index.wanted import Wanted
from worker.console.work.inquiries import Inquiries
from worker.console.work.plans import Plans
from worker.console.work.runs import Runs
from worker.kafka.picked import picked
from worker.kafka.reader import UNCOMMITTED
from worker.model.records import Record
from worker.settings.settings import Settings
from worker.tools.dead_letters.letters import Letter, letter
from worker.tools.reading.place import Place

KEPT = 500


@dataclass(frozen=True, slots=True)
class Desk:
    """What the pages about dead letters share; one for the whole console."""

    settings: Settings
    filling: Filling
    plans: Plans
    runs: Runs
    inquiries: Inquiries
    lists: Lists = field(default_factory=Lists)
    read: OrderedDict[Place, Letter] = field(default_factory=OrderedDict)
    """Letters that somebody has looked at and that are not among the newest."""
    began: int = field(default_factory=lambda: int(time.time()))

    @property
    def index(self) -> Index:
        """The index of all letters that are known by now."""
        return self.filling.index

    def rows(self, wanted: Wanted, name: str, upto: Mapping[int, int], count: int) -> list[Listed]:
        """The first `count` letters that fit, up to these ends; see `Lists`. `name` is the filter as it was written."""
        return self.lists.rows(self.index, name, wanted, upto, count)

    async def letters(self, rows: Sequence[Listed]) -> dict[Place, Letter]:
        """The letters of these rows that still exist; the newest are kept in memory, others read.

        Raises KafkaUnavailable.
        """
        found: dict[Place, Letter] = {}
        missing: dict[int, list[int]] = {}
        for number, row in rows:
            place = Place(number, row.offset)
            known = self.index.recent.get(place) or self.read.get(place)
            if known and known.timestamp == row.timestamp:
                found[place] = known
            else:
                missing.setdefault(number, []).append(row.offset)
        return found | await self._read(missing)

    async def _read(self, missing: Mapping[int, Sequence[int]]) -> dict[Place, Letter]:
        if not missing:
            return {}
        connection, topic = wiring.connection(self.settings), self.settings.topics.dead_letters
        read = await picked(connection, topic, missing, _brief, isolation=UNCOMMITTED)
        found = {each.place: each for each in read}
        self.read.update(found)
        while len(self.read) > KEPT:
            self.read.popitem(last=False)
        return found

    def run_name(self, kind: str, place: Place) -> str:
        """The name of the next run of that kind for that letter.

        Each form gets the same name until such a run has ended, so that a form that is sent twice makes one run. No
        other process of the console gives this name.
        """
        beginning, end = f"{kind}-{place.partition}-{place.offset}-", f"-{self.began:x}"
        named = re.compile(f"{beginning}([0-9]{{1,18}}){end}")
        # Not their count: earlier ones are forgotten.
        last = max((int(found[1]) for name in self.runs.kept if (found := named.fullmatch(name))), default=0)
        run = self.runs.kept.get(f"{beginning}{last}{end}")
        return f"{beginning}{last if run and run.state == 'under way' else last + 1}{end}"


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Desk]:
    """Yield the desk, and fill its index meanwhile. At the end, what is under way may finish, or is left as it is."""
    filling = Filling(wiring.plan(settings), wiring.connection(settings))
    inquiries = Inquiries()
    desk = Desk(settings, filling, Plans(settings), Runs(inquiries.forget), inquiries)
    task = asyncio.create_task(filling.run(), name="index")
    try:
        yield desk
    finally:
        task.cancel()
        await desk.runs.close()
        await desk.plans.close()
        await desk.inquiries.close()
        await asyncio.gather(task, return_exceptions=True)


def _brief(record: Record) -> Letter:
    return brief(letter(record))
