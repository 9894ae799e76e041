"""All dead letters that are known by now, by partition: grouped by cause, or filtered, the newest first."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import islice

from worker.console.index.brief import brief
from worker.console.index.causes import Causes, Group, cause
from worker.console.index.shelf import NOWHERE, Row, Shelf
from worker.console.index.wanted import Wanted, event_hash
from worker.tools.dead_letters.letters import Letter
from worker.tools.reading.place import Place

MOST = 500_000
RECENT = 1_000
MANY_REPLAYS = 65_535


@dataclass(slots=True)
class Index:
    """The newest letters, at most `most`; `first` is the first offset of each partition in the topic itself."""

    requests: str
    most: int = MOST
    shelves: dict[int, Shelf] = field(default_factory=dict)
    causes: Causes = field(default_factory=Causes)
    first: dict[int, int] = field(default_factory=dict)
    recent: OrderedDict[Place, Letter] = field(default_factory=OrderedDict)
    is_full: bool = False
    """Whether older letters are left out because there are too many."""
    edition: int = 0
    """Another one where letters come that were left out, or a topic that was made anew: lists may be others then."""
    _groups: dict[int, Group] = field(default_factory=dict)
    _stale: set[int] = field(default_factory=set)
    """Groups that have lost letters since they were counted: the oldest letter of one may be among these."""

    def only(self, partitions: int) -> None:
        """There are so many: the topic was made anew where more were known."""
        for number in [each for each in self.shelves if each >= partitions]:
            shelf = self.shelves.pop(number)
            self._drop(number, shelf.drop_below(shelf.high))
            self.edition += 1
        self._use_room()

    def begin(self, partition: int, first: int, end: int) -> Shelf:
        """Note a partition's present offsets: letters below `first` are gone, those from `end` on are to come."""
        self.first[partition] = first
        shelf = self.shelves.setdefault(partition, Shelf(end, end))
        # A log that ends before what is known of it is another one: its topic was deleted and made again.
        self._drop(partition, shelf.drop_below(first if end >= shelf.high else shelf.high))
        if end < shelf.high:
            shelf = self.shelves[partition] = Shelf(end, end)
            self.edition += 1
        self._use_room()
        return shelf

    def _use_room(self) -> None:
        """Let older letters be read where many have gone, more than `add_newer` drops at once."""
        if self.is_full and len(self) < self.most - 2 * (self.most // 100):
            self.is_full = False
            self.edition += 1

    def add_older(self, letter: Letter) -> None:
        """Add the next letter below those that are known of its partition."""
        if self.is_full:
            return
        row = self._row(letter)
        self.shelves[letter.place.partition].add_older(row)
        self._count(row)
        self._remember(letter, newer=False)
        self.is_full = len(self) >= self.most

    def add_newer(self, letter: Letter) -> None:
        """Add the next letter above those that are known.

        If that is too many, the oldest of some partition are dropped.
        """
        shelf = self.shelves.setdefault(letter.place.partition, Shelf(letter.place.offset, letter.place.offset))
        if letter.place.offset < shelf.high:
            return
        row = self._row(letter)
        shelf.add_newer(row)
        self._count(row)
        self._remember(letter, newer=True)
        if len(self) > self.most:
            self.is_full = True
            number, longest = max(self.shelves.items(), key=lambda each: len(each[1]))
            self._drop(number, longest.drop_oldest(1 + self.most // 100))

    def filled(self, partition: int) -> None:
        """Note that everything below what is known of that partition was read."""
        shelf = self.shelves[partition]
        shelf.low = min(shelf.low, self.first[partition])

    def __len__(self) -> int:
        return sum(map(len, self.shelves.values()))

    @property
    def total(self) -> int:
        """How many letters the topic has; by its offsets until all are known, as some are no letter's.

        Compaction leaves such offsets, and so do the transactions of other tools.
        """
        if self.is_complete:
            return len(self)
        return sum(max(0, shelf.high - self.first.get(number, shelf.low)) for number, shelf in self.shelves.items())

    @property
    def is_complete(self) -> bool:
        """Whether all letters of the topic are known; False for a topic that was not looked at yet."""
        return bool(self.shelves) and all(
            shelf.low <= self.first.get(number, 0) for number, shelf in self.shelves.items()
        )

    @property
    def is_read(self) -> bool:
        """Whether nothing older comes any more: all that the topic has is known, or as much as is kept."""
        return self.is_full or self.is_complete

    def ends(self) -> dict[int, int]:
        """By partition the end of what is known: a list up to these ends never changes."""
        return {number: shelf.high for number, shelf in self.shelves.items()}

    def groups(self) -> list[Group]:
        """The groups, the largest first."""
        self._recount()
        known = [group for group in self._groups.values() if group.count]
        return sorted(known, key=lambda each: (-each.count, -each.newest, each.cause.name))

    def rows(self, wanted: Wanted, upto: Mapping[int, int]) -> Iterator[tuple[int, Row]]:
        """The fitting rows below these ends, with their partitions, in the order of `dead-letters list`.

        That is by offset within a partition, and by timestamp between partitions.
        """
        narrowed = wanted.narrowed(self.causes)
        lists = [
            _numbered(number, filter(narrowed.fits, self.shelves[number].newest_first(end)))
            for number, end in upto.items()
            if number in self.shelves and wanted.partition in (None, number)
        ]
        return merge(*lists, key=lambda each: (-each[1].timestamp, each[0]))

    def newer(self, wanted: Wanted, than: Mapping[int, int]) -> int:
        """How many fitting letters have come above these ends."""
        narrowed = wanted.narrowed(self.causes)
        return sum(
            narrowed.fits(row)
            for number, shelf in self.shelves.items()
            if wanted.partition in (None, number)
            for row in islice(shelf.newest_first(), shelf.count_from(than.get(number, 0)))
        )

    def _row(self, letter: Letter) -> Row:
        request = letter.request if letter.reason and letter.topic == self.requests else None
        return Row(
            letter.place.offset,
            letter.timestamp,
            self.causes.number(cause(letter)),
            request.partition if request else NOWHERE,
            request.offset if request else NOWHERE,
            event_hash(letter.event_id) if letter.event_id else 0,
            min(letter.replays, MANY_REPLAYS),
        )

    def _count(self, row: Row) -> None:
        group = self._groups.get(row.cause)
        if group is None:
            group = self._groups[row.cause] = Group(self.causes[row.cause])
        group.add(row.timestamp)

    def _remember(self, letter: Letter, *, newer: bool) -> None:
        """Keep the letter among the recent ones, of which the newest stay."""
        if not newer and len(self.recent) >= RECENT:
            return
        self.recent[letter.place] = brief(letter)
        self.recent.move_to_end(letter.place, last=newer)
        if len(self.recent) > RECENT:
            self.recent.popitem(last=False)

    def _drop(self, partition: int, dropped: Sequence[Row]) -> None:
        for row in dropped:
            self.recent.pop(Place(partition, row.offset), None)
            self._stale.add(row.cause)

    def _recount(self) -> None:
        """Count the stale groups again, for all partitions that have lost letters at once: that reads all letters."""
        if not self._stale:
            return
        for number in self._stale:
            self._groups[number] = Group(self.causes[number])
        for shelf in self.shelves.values():
            for row in shelf.newest_first():
                if row.cause in self._stale:
                    self._groups[row.cause].add(row.timestamp)
        self._stale.clear()


def _numbered(number: int, rows: Iterable[Row]) -> Iterator[tuple[int, Row]]:
    return ((number, row) for row in rows)
