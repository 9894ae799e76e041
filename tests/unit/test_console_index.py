"""The console's index of dead letters against a plain list of them, however it came to be filled."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from itertools import islice
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qs

import htpy as h
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from worker.console.desk import Desk
from worker.console.doubts.listing import DOUBTS, doubts
from worker.console.index.brief import brief
from worker.console.index.causes import OTHERS, Cause, Causes, Group, cause
from worker.console.index.index import Index
from worker.console.index.lists import Lists
from worker.console.index.pin import pin, unpinned
from worker.console.index.shelf import SIZE
from worker.console.index.wanted import Wanted
from worker.console.letters.filter import begun
from worker.console.letters.listing import letters
from worker.console.web.answers import Moved, NotShown
from worker.console.web.asked import Asked
from worker.console.web.rights import STRANGER
from worker.console.work.inquiries import Inquiries
from worker.model.outcomes import ReasonCode
from worker.tools.dead_letters.letters import Letter
from worker.tools.reading.place import Place

NOTHING_ELSE = Wanted()
CODES = [ReasonCode.REJECTED, ReasonCode.REFUSED, ReasonCode.OUTCOME_UNKNOWN, None]


def a_letter(partition, offset, timestamp=0, code=ReasonCode.REJECTED, **more):
    return Letter(Place(partition, offset), timestamp, code, topic="requests", request=Place(partition, offset), **more)


facts = st.builds(
    lambda timestamp, code, status, event: {
        "timestamp": timestamp,
        "code": code,
        "status": status if code else None,
        "event_id": event,
    },
    st.integers(0, 30),
    st.sampled_from(CODES),
    st.sampled_from([None, 400, 403]),
    st.sampled_from([None, "e-1", "e-2"]),
)
wanted = st.builds(
    Wanted,
    st.frozensets(st.sampled_from(["rejected", "refused", "foreign"]), max_size=2),
    st.frozensets(st.sampled_from([400, 403]), max_size=1),
    since=st.none() | st.integers(0, 30),
    until=st.none() | st.integers(0, 30),
    partition=st.none() | st.integers(0, 1),
    event_id=st.sampled_from([None, "e-1"]),
)


def fits(asked, letter):
    return (
        (not asked.reasons or letter.called in asked.reasons)
        and (not asked.statuses or letter.status in asked.statuses)
        and (asked.since is None or letter.timestamp >= asked.since)
        and (asked.until is None or letter.timestamp < asked.until)
        and (asked.partition is None or letter.place.partition == asked.partition)
        and (asked.event_id is None or letter.event_id == asked.event_id)
    )


@dataclass
class Log:
    """A partition of the dead letters."""

    first: int = 0
    kept: list[dict[str, object]] = field(default_factory=list)

    @property
    def end(self):
        return self.first + len(self.kept)


class Filled(RuleBasedStateMachine):
    """Two partitions that grow, lose their beginnings, and are read from the newest back and as they grow."""

    def __init__(self):
        super().__init__()
        self.logs = [Log(), Log()]
        self.index = Index("requests")
        self.read = {}

    def letters(self, number):
        log = self.logs[number]
        return [a_letter(number, log.first + place, **told) for place, told in enumerate(log.kept)]

    @initialize(before=st.lists(facts, max_size=12), other=st.lists(facts, max_size=3))
    def began(self, before, other):
        self.logs = [Log(0, before), Log(0, other)]
        self.looks()

    @rule(number=st.integers(0, 1), told=facts)
    def written(self, number, told):
        self.logs[number].kept.append(told)

    @rule(number=st.integers(0, 1), count=st.integers(1, 4))
    def deleted(self, number, count):
        log = self.logs[number]
        count = min(count, len(log.kept))
        del log.kept[:count]
        log.first += count

    @rule()
    def looks(self):
        for number, log in enumerate(self.logs):
            self.index.begin(number, log.first, log.end)
        self.read = {
            place: each for place, each in self.read.items() if place.offset >= self.logs[place.partition].first
        }

    @rule(number=st.integers(0, 1), count=st.integers(1, 5))
    def follows(self, number, count):
        high = self.index.shelves[number].high
        for each in [each for each in self.letters(number) if each.place.offset >= high][:count]:
            self.index.add_newer(each)
            self.read[each.place] = each

    @rule(number=st.integers(0, 1), count=st.integers(1, 5))
    def fills(self, number, count):
        low = self.index.shelves[number].low
        below = [each for each in self.letters(number) if each.place.offset < low]
        for each in below[-count:][::-1]:
            self.index.add_older(each)
            self.read[each.place] = each
        if len(below) <= count:
            self.index.filled(number)

    @invariant()
    def what_is_counted(self):
        """Each that was read, once, until a look finds it deleted."""
        assert len(self.index) == len(self.read)
        assert sum(group.count for group in self.index.groups()) == len(self.index)

    @rule(asked=wanted, size=st.integers(1, 4))
    def listed(self, asked, size):
        """Page by page it is the list of all that fit, each partition in its order; newer ones are counted."""
        upto, pages = self.index.ends(), []
        for _ in range(40):
            page = list(islice(self.index.rows(asked, upto), size))
            if not page:
                break
            upto |= {number: row.offset for number, row in page}
            pages += page
        whole = list(self.index.rows(asked, self.index.ends()))
        assert pages == whole
        fitting = {each.place for each in self.read.values() if fits(asked, each)}
        assert {Place(number, row.offset) for number, row in whole} == fitting
        assert len(whole) == len(fitting)
        assert self.index.newer(asked, {}) == len(fitting)
        assert self.index.newer(asked, self.index.ends()) == 0

    @rule()
    def grouped(self):
        """By cause, with the oldest and the newest of each."""
        for group in self.index.groups():
            times = [each.timestamp for each in self.read.values() if cause(each) == group.cause]
            assert (len(times), min(times), max(times)) == (group.count, group.oldest, group.newest)


Filled.TestCase.settings = settings(max_examples=50, stateful_step_count=20, deadline=None)
TestFilled = Filled.TestCase


def test_how_much_a_letter_takes():
    """The aim is 64 bytes."""
    assert SIZE <= 64


def test_more_letters_than_are_kept():
    """The newest stay, and what is older is told to be left out, for good."""
    index = Index("requests", most=200)
    index.begin(0, 0, 150)
    for offset in range(149, -1, -1):
        index.add_older(a_letter(0, offset, offset))
    assert (len(index), index.is_full) == (150, False)
    for offset in range(150, 450):
        index.add_newer(a_letter(0, offset, offset))
    assert index.is_full
    assert 197 <= len(index) <= 200
    assert index.total == 450
    assert [row.offset for _, row in islice(index.rows(Wanted(), index.ends()), 2)] == [449, 448]
    (group,) = index.groups()
    assert (group.count, group.newest, group.oldest) == (len(index), 449, 450 - len(index))


def walked(index, upto, meanwhile):
    """The offsets that a list gives, of whose first ten rows the eleventh is asked for after that was done."""
    rows = index.rows(NOTHING_ELSE, {0: upto})
    found = [row.offset for _, row in islice(rows, 10)]
    meanwhile(index)
    return found + [row.offset for _, row in rows]


def read_back(index):
    index.begin(0, 0, 110)
    for offset in range(109, -1, -1):
        index.add_older(a_letter(0, offset))


def followed(index):
    index.begin(0, 0, 0)
    for offset in range(110):
        index.add_newer(a_letter(0, offset))


def half_of_each(index):
    index.begin(0, 0, 50)
    for offset in range(49, -1, -1):
        index.add_older(a_letter(0, offset))
    for offset in range(50, 110):
        index.add_newer(a_letter(0, offset))


def to_its_bound(index):
    """What is too much goes, the oldest first."""
    for offset in range(110, 150):
        index.add_newer(a_letter(0, offset))


@pytest.mark.parametrize("filled", [read_back, followed, half_of_each])
@pytest.mark.parametrize(
    ("meanwhile", "first"),
    [
        (lambda _: None, 0),
        (lambda index: index.begin(0, 40, 110), 40),
        (lambda index: index.begin(0, 70, 110), 70),
        (lambda index: index.begin(0, 110, 110), 110),
        (lambda index: index.begin(0, 0, 1), 110),
        (to_its_bound, 30),
    ],
    ids=["nothing", "some deleted", "more deleted", "all deleted", "topic made anew", "too many"],
)
def test_a_list_that_is_walked_along_while_letters_go(filled, meanwhile, first):
    """What is left of it comes, each once and in its order: nothing above where it begins, nothing that has gone."""
    index = Index("requests", most=120)
    filled(index)
    found = walked(index, 100, meanwhile)
    whole = list(range(99, -1, -1))
    assert found[:10] == whole[:10]
    assert found[10:] == [offset for offset in whole[10:] if offset >= first]


def test_too_many_when_it_begins():
    """Reading back ends at the bound."""
    index = Index("requests", most=10)
    index.begin(0, 0, 100)
    for offset in range(99, -1, -1):
        index.add_older(a_letter(0, offset))
    assert (len(index), index.is_full, index.is_complete) == (10, True, False)


def full(*partitions):
    """With the ten newest of thirty letters, all of them of the first of these partitions."""
    index = Index("requests", most=10)
    for number in partitions:
        index.begin(number, 0, 30)
    for offset in range(29, -1, -1):
        index.add_older(a_letter(partitions[0], offset))
    assert (len(index), index.is_full, index.is_read) == (10, True, True)
    return index


def test_room_for_what_was_left_out():
    """Once most of the kept letters are deleted, older ones of other partitions are read."""
    index = full(0, 1)
    lists = Lists()
    assert lists.rows(index, "of the other one", Wanted(partition=1), index.ends(), 9) == []
    index.begin(0, 28, 30)
    assert (len(index), index.is_full, index.is_read) == (2, False, False)
    index.add_older(a_letter(1, 29))
    assert [place for place, _ in lists.rows(index, "of the other one", Wanted(partition=1), index.ends(), 9)] == [1]


def test_a_topic_that_was_made_anew_after_one_with_more_than_are_kept():
    """All that the new one has is read."""
    index = full(0)
    index.begin(0, 0, 8)
    assert (len(index), index.total, index.is_full, index.is_read) == (0, 8, False, False)
    index.add_older(a_letter(0, 7))
    assert len(index) == 1


def test_a_list_of_a_topic_that_was_made_anew():
    """Nothing of the one before it is told under the same address."""
    index, lists = Index("requests"), Lists()
    index.begin(0, 0, 0)
    for offset in range(5):
        index.add_newer(a_letter(0, offset, 1))
    assert len(lists.rows(index, "all", Wanted(), {0: 5}, 5)) == 5
    index.begin(0, 0, 0)
    assert lists.rows(index, "all", Wanted(), {0: 5}, 5) == []


def test_offsets_without_a_letter():
    """Once all letters are known, there are as many of them."""
    index = Index("requests")
    index.begin(0, 0, 10)
    for offset in (9, 7, 2):
        index.add_older(a_letter(0, offset))
    assert (len(index), index.total) == (3, 10)
    index.filled(0)
    assert (len(index), index.total) == (3, 3)
    index.add_newer(a_letter(0, 12))
    assert (len(index), index.total) == (4, 4)


def test_a_topic_that_was_made_anew():
    """Nothing of the one before it is left."""
    index = Index("requests")
    index.begin(0, 0, 5)
    for offset in range(4, -1, -1):
        index.add_older(a_letter(0, offset))
    index.begin(0, 0, 2)
    assert (len(index), index.groups(), index.total, index.is_complete) == (0, [], 2, False)
    index.add_older(a_letter(0, 1))
    assert [row.offset for _, row in index.rows(Wanted(), {0: 9})] == [1]


def test_a_topic_that_was_made_anew_with_fewer_partitions():
    """Nothing is known of those that are gone."""
    index = Index("requests")
    for number in range(2):
        index.begin(number, 0, 0)
        index.add_newer(a_letter(number, 0))
    index.only(2)
    assert len(index) == 2
    index.only(1)
    assert (len(index), index.ends(), set(index.recent), index.total) == (1, {0: 1}, {Place(0, 0)}, 1)


def counting(counted, add):
    """The same method, which notes each letter that is counted."""

    def noting(group, timestamp):
        counted.append(timestamp)
        add(group, timestamp)

    return noting


@pytest.mark.parametrize("remaining", [0, 1])
def test_many_partitions_that_lose_letters_at_once(monkeypatch, remaining):
    """Each letter that remains is counted again once, however many partitions lost some."""
    index = Index("requests")
    for number in range(20):
        index.begin(number, 0, 0)
        for offset in range(10):
            index.add_newer(a_letter(number, offset))
    counted: list[int] = []
    monkeypatch.setattr(Group, "add", counting(counted, Group.add))
    for number in range(20):
        index.begin(number, 5, 10)
    index.only(remaining)
    assert [group.count for group in index.groups()] == [5] * remaining
    assert len(counted) == 5 * remaining


def test_a_partition_that_was_added():
    """What comes of it before anybody has looked is listed, and then all of it."""
    index = Index("requests")
    index.begin(0, 0, 0)
    index.add_newer(a_letter(1, 3))
    index.begin(1, 0, 4)
    assert not index.is_complete
    index.add_older(a_letter(1, 2))
    index.filled(1)
    assert index.is_complete
    assert len(index) == 2


def broken(*rules):
    return tuple({"path": path, "rule": rule, "limit": 5} for path, rule in rules)


def test_a_cause():
    """Broken rules without the places in lists and in whatever order; limits and messages make no other cause."""
    one = a_letter(0, 1, violations=broken(("a[0].b[12].c", "format"), ("a", "count")), message="x", status=400)
    other = a_letter(1, 2, 9, violations=broken(("a", "count"), ("a[3].b[1].c", "format")), message="y", status=400)
    assert cause(one) == cause(other) == Cause("rejected", 400, None, ("a count", "a.b.c format"))
    assert cause(one).name == cause(other).name
    assert cause(one) != cause(a_letter(0, 1, status=400))


@pytest.mark.parametrize("doubt", [{"perhaps": True}, {"exists": True}])
def test_doubts_of_another_reason(doubt):
    """What a replay was refused for tells nothing of the POST before it: such a letter is among the doubts, too."""
    index = Index("requests")
    index.begin(0, 0, 0)
    refused = a_letter(0, 1, status=400, **doubt)
    for letter in (a_letter(0, 0, status=400), refused, a_letter(0, 2, code=ReasonCode.OUTCOME_UNKNOWN)):
        index.add_newer(letter)
    assert [row.offset for _, row in index.rows(DOUBTS, index.ends())] == [2, 1]
    assert cause(refused) != cause(a_letter(0, 0, status=400))
    few = Causes(most=0)
    assert {few[few.number(each)] for each in (cause(refused), cause(a_letter(0, 0)))} == {
        Cause("rejected", rules=(OTHERS,), doubted=True),
        Cause("rejected", rules=(OTHERS,)),
    }


def test_hostile_causes():
    """However long and however many, they take bounded room, and their names are hexadecimal."""
    many = broken(
        *((f"{'x' * 5_000}{number}", "<script>") for number in range(50)), *((str(n), "r") for n in range(50))
    )
    found = cause(a_letter(0, 0, violations=many, error_code="<b>" * 500))
    assert len(found.rules) <= 9
    assert max(len(each or "") for each in (*found.rules, found.error_code)) <= 120
    assert int(found.name, 16) >= 0
    causes = Causes(most=5)
    numbers = {causes.number(Cause(f"r{number % 2}", number)) for number in range(100)}
    assert len(causes) <= 7
    assert len(numbers) == len(causes)


def test_a_letter_in_brief():
    """However much somebody wrote into its headers, it takes bounded room; what is short stays as it is."""
    long = a_letter(0, 0, message="m" * 10_000, error_code="e" * 2_000, violations=broken(("p", "r")), event_id="e-1")
    told = brief(long)
    assert (len(told.message or ""), len(told.error_code or "")) == (1_024, 1_024)
    assert (told.violations, told.event_id, told.version) == ((), "e-1", None)
    assert brief(told) == told


def test_a_topic_that_nobody_has_looked_at():
    """Nothing is known of it, so that no list of it is remembered."""
    index, lists = Index("requests"), Lists()
    assert not index.is_complete
    assert lists.rows(index, "all", Wanted(), {0: 1}, 9) == []
    index.begin(0, 0, 1)
    index.add_older(a_letter(0, 0))
    index.filled(0)
    assert index.is_complete
    assert len(lists.rows(index, "all", Wanted(), {0: 1}, 9)) == 1


def test_a_page_that_is_asked_for_again():
    """It costs once, and only where it cannot change any more."""
    index, lists = Index("requests"), Lists()
    index.begin(0, 0, 4)
    index.add_older(a_letter(0, 3))

    def page(name="all", wanted=NOTHING_ELSE, count=3):
        return [row.offset for _, row in lists.rows(index, name, wanted, {0: 4}, count)]

    assert page() == [3]
    index.add_older(a_letter(0, 2))
    assert page() == [3, 2]
    index.add_older(a_letter(0, 1))
    assert page() == page() == [3, 2, 1]
    assert page("few", Wanted(since=9)) == []
    index.filled(0)
    index.add_newer(a_letter(0, 4))
    assert page("few", Wanted(since=9)) == []
    assert page("others", count=9) == [3, 2, 1]
    assert page("few", Wanted()) == []
    index.is_full = True
    index.first[0] = -1
    assert not index.is_complete
    assert page("of a topic with more than are kept", Wanted(since=9)) == []
    assert page("of a topic with more than are kept") == []
    for number in range(300):
        page(str(number))
    assert len(lists._known) <= 200


def test_how_much_addresses_take():
    """Ends of partitions that do not exist are not kept, however many an address names."""
    index, lists = Index("requests"), Lists()
    index.begin(0, 0, 0)
    upto = unpinned(urlsafe_b64encode(bytes([1, 1, *[255] * 5540])).decode().rstrip("="))
    assert upto is not None
    assert len(upto) == 44_320
    lists.rows(index, "all", Wanted(), upto, 9)
    assert [dict(ends) for _, _, ends, _ in lists._known] == [{0: 1}]


@given(st.dictionaries(st.integers(0, 300), st.integers(0, 2**62), max_size=30))
def test_a_pin(ends):
    """In an address and back."""
    assert unpinned(pin(ends) or "") == {number: end for number, end in ends.items() if end}


@pytest.mark.parametrize("end", [10**9, 10**10 + 7, 2**44 - 1])
def test_a_pin_of_a_thousand_partitions(end):
    """It fits into the line of a request, beside a filter."""
    ends = {number: end - number for number in range(1_000)}
    pinned = pin(ends)
    assert pinned is not None
    assert unpinned(pinned) == ends
    assert len(pinned) < 8_190 - 500


def test_a_pin_that_is_too_long():
    """There is none: no address is made that nobody can read."""
    assert pin(dict.fromkeys(range(2_000), 10**12)) is None


@pytest.mark.parametrize(
    "text",
    ["", "x", "ab", "1-2.", "1-2,3-4", "A" * 9_000, "\uff11-2", "AAA", "QAE", "-_8", "BBBBB", "Af==", "Af Af", "\xff"],
)
def test_no_pin(text):
    """Whatever somebody wrote there."""
    assert unpinned(text) is None


@given(st.text("AQgw-_", max_size=40) | st.text(max_size=20))
def test_whatever_stands_for_a_pin(text):
    """It is read as what has a pin, or not at all."""
    ends = unpinned(text)
    assert ends is None or unpinned(pin(ends) or "") == ends


def asked(sources: Any = None, **query):
    return Asked("/x", STRANGER, sources, query={name: [told] for name, told in query.items()})


def looked_at(page, *partitions, **query):
    """That page of an index with so many letters in each partition."""
    index = Index("requests")
    for number, end in enumerate(partitions):
        index.begin(number, 0, end)
    return page(asked(SimpleNamespace(desk=SimpleNamespace(index=index)), **query))


@pytest.mark.parametrize("page", [letters, doubts])
async def test_where_a_list_begins(page):
    """An address that does not say leads once to one that does, and one that cannot be read leads nowhere."""
    moved = await looked_at(page, 7, 9)
    assert isinstance(moved, Moved)
    assert unpinned(moved.to.partition("upto=")[2]) == {0: 7, 1: 9}
    for unread in ("x", "0-7.1-9", "A" * 7_401):
        with pytest.raises(NotShown, match="upto"):
            await looked_at(page, 7, 9, upto=unread)


@pytest.mark.parametrize(("page", "none"), [(letters, "No dead letter fits."), (doubts, "There is no doubt.")])
async def test_a_list_of_a_topic_that_is_not_read_yet(page, none):
    """That there is none is said once all is read; until then whoever looks is told by itself when it is."""
    index, nothing = Index("requests"), cast("Any", None)
    filling = cast("Any", SimpleNamespace(index=index, trouble=None))
    sources = SimpleNamespace(desk=Desk(nothing, filling, nothing, nothing, Inquiries()))

    async def shown():
        answer = await page(asked(sources, upto=pin({0: 3})))
        return str(h.fragment[answer.body]), answer.is_fresh

    index.begin(0, 0, 3)
    before, is_fresh = await shown()
    assert (none in before, "those that are read" in before, is_fresh) == (False, True, True)
    index.filled(0)
    after, _ = await shown()
    assert none in after


def test_where_a_list_of_an_age_begins(monkeypatch):
    """Its address says the time that was meant: the list, whoever opens it, and a plan of it are the same later on."""
    monkeypatch.setattr("time.time", lambda: 10_800.5)
    moved = begun(asked(since="2h", until=" 90s ", reason="rejected"), {0: 7})
    assert isinstance(moved, Moved)
    assert parse_qs(moved.to.partition("?")[2]) == {
        "reason": ["rejected"],
        "since": ["1970-01-01T01:00:00Z"],
        "until": ["1970-01-01T02:58:30Z"],
        "upto": [pin({0: 7})],
    }
    absolute = begun(asked(since="2026-11-22T04:30:00.5+01:00"), {0: 7})
    assert isinstance(absolute, Moved)
    assert "2026-11-22T04%3A30%3A00.5%2B01%3A00" in absolute.to


def test_a_list_that_no_address_holds():
    """It is shown as it is now."""
    now = dict.fromkeys(range(2_000), 10**12)
    assert begun(asked(), now) is now
