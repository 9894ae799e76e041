"""What the audit makes of what it reads in whatever order, against what `verify` makes of the whole."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from worker.cli import app
from worker.events.results import Results
from worker.model.commands import Request
from worker.model.errors import KafkaUnavailable, SchemaRegistryUnavailable, StartupError
from worker.model.outcomes import Failed, Reason, ReasonCode
from worker.model.records import Record
from worker.ops.audit import AuditMetrics, AuditPages, AuditState
from worker.tools.audit import follow
from worker.tools.audit import found as kinds
from worker.tools.audit.begin import begun
from worker.tools.audit.customers import Customers
from worker.tools.audit.found import Found
from worker.tools.audit.judge import LATE, Judge
from worker.tools.audit.marks import BLOCK, ENDED, FAILED, SUCCEEDED, Marks
from worker.tools.audit.position import Positions
from worker.tools.audit.rounds import Rounds
from worker.tools.audit.unended import Unended
from worker.tools.reading.offset_set import OffsetSet
from worker.tools.reading.place import Place
from worker.tools.verification.judgement import Customers as WholeCustomers
from worker.tools.verification.judgement import Ends, Letters, Suspects
from worker.tools.verification.reading import Failure, Success
from worker.tools.verification.report import Finding
from worker.topics import Plan

SIZE = 6
SPANS = {0: (0, SIZE), 1: (0, SIZE)}
PLACES = st.builds(Place, st.integers(0, 1), st.integers(0, SIZE - 1))
EVENTS = st.builds(Success, PLACES, st.just("urn:crm"), st.sampled_from("abc"), st.sampled_from("12"), st.booleans())
# A letter's place is its number in this list.
LETTERS = st.lists(PLACES, max_size=5)
FAILURES = st.builds(Failure, PLACES, st.builds(Place, st.just(0), st.integers(0, 5)))
CUSTOMERS = {kinds.TWO_CUSTOMERS, kinds.MISTAKEN}


def places_of(found: Found | Finding) -> Iterator[Place]:
    texts = (found.place,) if isinstance(found, Found) else (each.partition(" ")[0] for each in found.places)
    for text in texts:
        partition, _, offsets = text.partition("@")
        first, _, last = offsets.partition("-")
        yield from (Place(int(partition), offset) for offset in range(int(first), int(last or first) + 1))


def whole(letters: list[Place], failures: list[Failure], events: list[Success]) -> dict[str, set[Place]]:
    """What `verify` finds where all is read and committed."""
    judged, ends, suspected = Letters(SPANS, 10, {0: (0, 6)}), Ends(SPANS), WholeCustomers(10)
    for number, request in enumerate(letters):
        judged.letter(Place(0, number), request, old=False)
    for failure in failures:
        judged.failure(failure)
    for event in events:
        ends.succeeded.add(event.request)
        suspected.success(event)
    suspects = Suspects(suspected.suspects)
    for event in events:
        suspects.success(event)
    for number, missing in ends.missing(judged.failed).items():
        for first, end in missing.runs():
            for offset in range(first, end):
                ends.record(Place(number, offset), old=False)
    found = {each.kind: set(places_of(each)) for each in (*ends.findings(judged.failed), *judged.findings())}
    twice = [each for each in suspects.findings() if each.count]
    return {kind: places for kind, places in found.items() if places} | ({"customers": set()} if twice else {})


class Followed:
    """The judge, and what it told."""

    def __init__(self, letters: list[Place], events: list[Success]) -> None:
        self.told: list[Found] = []
        self.judge = Judge(self.told.append)
        self.letters, self.events = letters, events
        for number, (first, _) in SPANS.items():
            self.judge.begin(number, first)

    def read(self, step: int | Failure | Success, at: int = 0) -> None:
        match step:
            case int():
                self.judge.letter(Place(0, step), self.letters[step], 0.0)
            case Failure(request, letter):
                there = letter.offset < len(self.letters) and self.letters[letter.offset] == request
                self.judge.failure(step, lettered=self.judge.knows(step) or there)
            case Success():
                if (first := self.judge.success(step, Place(0, at))) is not None:
                    self.judge.duplicate(step, self.events[first.offset])

    def commit(self, partition: int, end: int) -> None:
        missing = OffsetSet(self.judge.judged[partition], max(end, self.judge.judged[partition]))
        for run in self.judge.missing(partition, end):
            for offset in range(*run):
                missing.add(offset)
                self.judge.unended.add(Place(partition, offset), 1)
        self.judge.close(partition, end, missing)

    def found(self) -> dict[str, set[Place]]:
        named: dict[str, set[Place]] = {}
        for each in self.told:
            kind = "customers" if each.kind in CUSTOMERS else each.kind
            named.setdefault(kind, set()).update(places_of(each) if kind != "customers" else ())
        return named


@given(LETTERS, st.lists(FAILURES, max_size=5), st.lists(EVENTS, max_size=8), st.data())
@settings(max_examples=300, deadline=None)
def test_the_same_as_of_the_whole(letters, failures, events, data):
    """In whatever order it is read, and whenever what is read in whole is committed: nothing missed, nothing invented.

    A request is only committed here when all that ends it was read, which is what a round sees to.
    """
    steps = [*range(len(letters)), *failures, *[(number, event) for number, event in enumerate(events)]]
    order = data.draw(st.permutations(steps))
    followed = Followed(letters, events)
    left = Counter(request_of(each, letters) for each in order)
    for step in order:
        followed.read(*((step[1], step[0]) if isinstance(step, tuple) and isinstance(step[0], int) else (step,)))
        left[request_of(step, letters)] -= 1
        if data.draw(st.booleans()):
            for number in SPANS:
                done = next((o for o in range(SIZE) if left[Place(number, o)]), SIZE)
                followed.commit(number, done)
    for number in SPANS:
        followed.commit(number, SIZE)
    followed.judge.settle(LATE)
    assert followed.found() == whole(letters, failures, events)
    # Two events of one request, which only a test has, may have their two customers at the same places.
    told = [each for each in followed.told if each.kind not in CUSTOMERS]
    assert len({(each.kind, each.place, each.other) for each in told}) == len(told)


def request_of(step, letters):
    """Which request it is about: a letter by its number, a failed event, or a succeeded event with its place."""
    if isinstance(step, int):
        return letters[step]
    return step.request if isinstance(step, Failure) else step[1].request


@given(LETTERS, st.lists(FAILURES, max_size=5), st.lists(EVENTS, max_size=8), st.integers(0, SIZE))
@settings(deadline=None)
def test_ends_of_what_is_judged_already(letters, failures, events, judged):
    """A record that was told to have no end, and has one after all, is unended no longer; what contradicts is told."""
    followed = Followed(letters, events)
    for number in SPANS:
        followed.commit(number, judged)
    for at in range(len(letters)):
        followed.read(at)
    for at, step in [*((0, each) for each in failures), *enumerate(events)]:
        followed.read(step, at)
    for number in SPANS:
        followed.commit(number, SIZE)
    followed.judge.settle(LATE)
    expected = whole(letters, failures, events)
    ended = {each.request for each in (*failures, *events)}
    found = followed.found()
    told = found.pop(kinds.UNENDED, set())
    assert told - ended == expected.pop(kinds.UNENDED, set())
    assert len(followed.judge.unended) == len(told - ended)
    assert found == expected


def test_a_letter_that_is_late():
    """Its failed event may still come: it is told when that has not come for a minute."""
    followed = Followed([Place(0, 1)], [])
    followed.read(Success(Place(0, 1), "urn:crm", "a", "1"))
    followed.commit(0, 2)
    followed.told.clear()
    followed.read(0)
    followed.judge.settle(LATE - 1)
    assert followed.told == []
    followed.judge.settle(LATE)
    assert [each.kind for each in followed.told] == [kinds.EVENT_MISSING]


def test_a_hash_that_two_share():
    """What stands in the topic decides: another event, or the same customer, is nothing."""
    followed = Followed([], [])
    event = Success(Place(0, 1), "urn:crm", "a", "1")
    followed.judge.duplicate(event, event._replace(id="b", customer="2"))
    followed.judge.duplicate(event, event)
    assert followed.told == []
    followed.judge.duplicate(event, None)
    assert [each.kind for each in followed.told] == [kinds.TWO_CUSTOMERS]


# --- memory -----------------------------------------------------------------------------------------------------------


def test_offsets_that_there_is_no_room_for():
    """The oldest are let go, and counted where they were not judged; nothing is told of them."""
    told: list[Found] = []
    judge = Judge(told.append, Marks(blocks=2))
    judge.begin(0, 0)
    for offset in range(0, 4 * BLOCK, 100):
        judge.success(Success(Place(0, offset), "urn:crm", str(offset), "1"), Place(0, offset))
    assert judge.marks.floors[0] == 2 * BLOCK
    assert next(judge.missing(0, 4 * BLOCK))[0] == 2 * BLOCK
    judge.close(0, 4 * BLOCK, OffsetSet(0, 0))
    assert judge.not_judged[kinds.BEYOND_ROOM] == 2 * BLOCK
    assert told == []


@given(st.dictionaries(st.integers(BLOCK - 4, BLOCK + 4), st.sampled_from([SUCCEEDED, FAILED, ENDED])))
def test_marks(known):
    """Runs over the border of two blocks are all of what has, or has not, such a mark."""
    marks = Marks()
    marks.begin(0, BLOCK - 4)
    for offset, mark in known.items():
        marks.add(Place(0, offset), mark)
    first, end = BLOCK - 4, BLOCK + 5
    without = {o for run in marks.without(ENDED, 0, first, end) for o in range(*run)}
    assert without == {o for o in range(first, end) if o not in known}
    both = {o for run in marks.wherever(ENDED, 0, 0, first, end) for o in range(*run)}
    assert both == {o for o, mark in known.items() if mark == ENDED}


def test_customers_that_are_let_go():
    """Between so many events and twice as many are known."""
    customers = Customers(room=2)
    for number in range(5):
        assert customers.put(Success(Place(0, number), "urn:crm", str(number), "1"), Place(0, number)) is None
    again = [customers.put(Success(Place(0, 9), "urn:crm", str(n), "2"), Place(0, 9)) for n in (4, 3, 2)]
    assert again == [Place(0, 4), Place(0, 3), Place(0, 2)]
    assert customers.put(Success(Place(0, 9), "urn:crm", "0", "2"), Place(0, 9)) is None


def test_unended_that_there_is_no_room_for():
    """They are counted all the same; the oldest that is known gives the age."""
    unended = Unended(room=2)
    for offset in range(3):
        unended.add(Place(0, offset), 100 + offset)
    assert (len(unended), unended.oldest()) == (3, 100)
    unended.ended(Place(0, 0))
    assert (len(unended), unended.oldest()) == (2, 101)


# --- where it begins again --------------------------------------------------------------------------------------------


def test_a_place_to_begin_again():
    """Behind it is no end of a request that is not judged: a record that ended early waits for those before it."""
    positions = Positions({"ok": {0: 0}})
    assert positions.safe({0: 0}) is None
    positions.mark({})
    positions.passed("ok", 0, 5)
    positions.mark({0: 9})
    positions.passed("ok", 0, 5)
    positions.mark({0: 12})
    assert positions.safe({0: 4}) == {"ok": {0: 0}}
    assert positions.safe({0: 9}) == {"ok": {0: 5}}
    assert positions.safe({0: 20}) == {"ok": {0: 10}}


def test_an_end_of_a_request_that_never_was():
    """Whoever writes one keeps the place from nothing: behind the end of the requests nothing is waited for."""
    judge, positions = Judge(lambda _: None), Positions({"ok": {0: 0}})
    judge.begin(0, 0)
    judge.success(Success(Place(0, 1 << 43), "urn:crm", "a", "1"), Place(0, 0))
    positions.mark(judge.tops)
    judge.close(0, 5, OffsetSet(0, 5))
    assert positions.safe(judge.judged) is None
    judge.end({0: 5})
    positions.passed("ok", 0, 1)
    positions.mark(judge.tops)
    assert positions.safe(judge.judged) == {"ok": {0: 1}}


def test_marks_that_there_is_no_room_for():
    """Every other one goes: what is safe is safe, and a little further back."""
    positions = Positions({"ok": {0: 0}})
    for number in range(3000):
        positions.passed("ok", 0, 1)
        positions.mark({0: number})
    safe = positions.safe({0: 2500})
    assert safe is not None
    assert 2000 < safe["ok"][0] <= 2501


# --- what cannot be asked for a while ---------------------------------------------------------------------------------


class Requests:
    """A partition of ten requests of the times 0 to 9; `troubles` are raised by the readings to come, at their end."""

    def __init__(self, *troubles: Exception) -> None:
        self.troubles, self.spans = list(troubles), {0: (0, 10)}

    def narrowed(self, spans: dict[int, tuple[int, int]]) -> "Requests":
        self.spans = spans
        return self

    async def read_as(self, form: Callable[[Any], Any]) -> AsyncIterator[tuple[list[Any], int]]:
        first, end = self.spans[0]
        raw = [SimpleNamespace(offset=offset, timestamp=offset, **REST) for offset in range(first, end)]
        yield [form(each) for each in raw], end - first
        if self.troubles:
            raise self.troubles.pop()


REST = {"topic": "requests", "partition": 0, "key": None, "value": b"", "headers": ()}


def rounds_over(requests: Requests, passes: Callable[[Record], Awaitable[bool]] | None = None) -> Rounds:
    """All ten are committed, and none has an end."""
    plan = SimpleNamespace(requests="requests")
    topics: Any = SimpleNamespace(plan=plan, now={"requests": requests}, committed={0: 10})
    judge = Judge(lambda _: None)
    judge.begin(0, 0)
    return Rounds(topics, judge, Positions(), passes, lambda: None)


@pytest.mark.parametrize("trouble", [SchemaRegistryUnavailable("away"), KafkaUnavailable("away")])
async def test_a_registry_that_is_away(trouble, monkeypatch):
    """It is asked again, as Kafka is: the audit goes on, and judges by the mapping what it would have judged."""
    monkeypatch.setattr(follow, "AGAIN", 0.0)
    troubles = [trouble, trouble]

    async def passes(record: Record) -> bool:
        if record.offset == 5 and troubles:
            raise troubles.pop()
        return record.offset % 2 == 0

    rounds = rounds_over(Requests(), passes)
    await follow._patiently(lambda: rounds._judged(0, 0, 10))
    assert (rounds.judge.judged, len(rounds.judge.unended), troubles) == ({0: 10}, 5, [])


async def test_a_reading_that_is_cut_off():
    """What was found by then is looked at again, and counted once."""
    rounds = rounds_over(Requests(KafkaUnavailable("away"), KafkaUnavailable("away")))
    rounds.judge.unended, rounds.begins = Unended(room=2), {0: 5}
    rounds.since, rounds.old = 7, {0: 7}
    for _ in range(2):
        with pytest.raises(KafkaUnavailable):
            await rounds._judged(0, 1, 10)
    await rounds._judged(0, 1, 10)
    assert rounds.judge.not_judged == {kinds.DELETED: 1, kinds.UNBEGUN: 4, kinds.OLD_END: 2, kinds.BEYOND_ROOM: 0}
    assert (rounds.judge.judged, len(rounds.judge.unended)) == ({0: 10}, 3)


class Dead:
    """The dead letters of three requests, of the times 1, 5 and 6."""

    async def read_as(self, form: Callable[[Any], Any]) -> AsyncIterator[tuple[list[Any], int]]:
        lost, results = Failed(Reason(ReasonCode.REJECTED, "no"), 1), Results("w", "ok", "failed", "letters", "g")
        asked = [Record("requests", 0, offset, 0, None, b"") for offset in range(3)]
        letters = [results.dead_letter(lost, each, Request("crm", "1"), 0.0) for each in asked]
        raw = [
            SimpleNamespace(offset=offset, timestamp=timestamp, **REST | {"headers": letter.headers})
            for offset, (timestamp, letter) in enumerate(zip((1, 5, 6), letters, strict=True))
        ]
        yield [form(each) for each in raw], 3

    def narrowed(self, spans: dict[int, tuple[int, int]]) -> "Dead":
        return self


async def test_dead_letters_that_are_kept_for_longer_than_failed_events():
    """Of those that are older than what is kept of these nobody asks for their events."""
    told: list[Found] = []
    plan = SimpleNamespace(requests="requests", dead_letters="letters")
    topics: Any = SimpleNamespace(plan=plan, now={"letters": Dead()}, spans=lambda _: {0: (0, 3)})
    rounds = Rounds(topics, Judge(told.append), Positions({"letters": {0: 0}}), None, lambda: None)
    rounds.judge.begin(0, 0)
    rounds.failed_since = 6
    await rounds._letters()
    rounds.judge.close(0, 3, OffsetSet(0, 3))
    assert [(each.kind, each.place) for each in told] == [(kinds.EVENT_MISSING, "0@2")]


async def test_requests_that_are_deleted():
    """None that has an end is among those that are not judged, however close it is to one that has none."""
    rounds = rounds_over(Requests())
    for offset in (2, 3, 4):
        rounds.judge.success(Success(Place(0, offset), "urn:crm", str(offset), "1"), Place(0, offset))
    await rounds._judged(0, 6, 10)
    assert rounds.judge.not_judged[kinds.DELETED] == 3


async def test_requests_that_are_made_anew(monkeypatch):
    """They are judged from where they ended when that was noticed: what was known of others counts for none of them."""
    rounds = rounds_over(Requests())
    told: list[Found] = []
    rounds.judge.tell = told.append
    rounds.topics.plan = Plan("requests", "ok", "failed", "letters")
    ends = {"requests": {0: (0, 10)}}
    monkeypatch.setattr(rounds.topics, "spans", lambda topic: ends.get(topic, {}), raising=False)
    for offset in range(10):
        rounds.judge.success(Success(Place(0, offset), "urn:crm", str(offset), "1"), Place(0, offset))
    await rounds._moved()
    await rounds._judged(0, 0, 10)
    assert (rounds.judge.judged, told) == ({0: 10}, [])
    ends["requests"] = {0: (0, 4)}
    await rounds._moved()
    rounds.judge.failure(Failure(Place(0, 5), Place(0, 0)))
    ends["requests"] = {0: (0, 10)}
    await rounds._moved()
    await rounds._judged(0, 0, 10)
    assert (rounds.judge.judged, len(rounds.judge.unended)) == ({0: 10}, 5)
    assert [(each.kind, each.place) for each in told] == [(kinds.UNENDED, "0@4"), (kinds.UNENDED, "0@6-9")]


class Stored:
    """The group that keeps the audit's place."""

    name = "group-audit"

    def __init__(self) -> None:
        self.offsets: dict[str, dict[int, int]] = {}

    async def stored(self, topic: str) -> dict[int, Any]:
        return {number: SimpleNamespace(offset=at) for number, at in self.offsets.get(topic, {}).items()}

    async def store_all(self, offsets: dict[str, dict[int, int]]) -> None:
        self.offsets |= offsets


async def test_an_audit_that_is_begun_again_before_the_group_has_begun():
    """What stands before the place where the group begins then is no gap."""
    group: Any = Stored()
    plan: Any = Plan("requests", "ok", "failed", "letters")

    async def look() -> None:
        pass

    def begun_over(committed: dict[int, int]) -> Rounds:
        ends = {TopicPartition("requests", number): (0, 10) for number in range(2)}
        now = {"requests": SimpleNamespace(ends=ends, narrowed=Requests().narrowed)}
        spans = {"requests": {0: (0, 10), 1: (0, 10)}}
        topics: Any = SimpleNamespace(
            plan=plan, now=now, committed=committed, look=look, spans=lambda topic: spans.get(topic, {})
        )
        return Rounds(topics, audit.judge, audit.positions, None, lambda: None)

    audit = follow.Audit(plan, "group")
    await begun(begun_over({1: 10}), group, None, "latest")
    audit.judge.judged[1] = 10
    audit.positions.mark({})
    audit.looked(begun_over({1: 10}).topics)
    await follow.store(audit, group)
    assert group.offsets["requests"] == {1: 10}

    audit = follow.Audit(plan, "group")
    rounds = begun_over({0: 10, 1: 10})
    await begun(rounds, group, None, "latest")
    await rounds._judged(0, 0, 10)
    assert (len(audit.judge.unended), audit.judge.not_judged[kinds.UNBEGUN]) == (0, 10)
    assert rounds.begins.keys() == {0}


async def test_a_right_that_is_taken(monkeypatch):
    """It is waited for as Kafka is, once the audit is at work."""
    monkeypatch.setattr(follow, "AGAIN", 0.0)
    audit, pages = follow.Audit(Plan(), "group"), SimpleNamespace(read=lambda: None)
    troubles = [StartupError("no right"), KafkaUnavailable("away")]

    async def whole() -> None:
        if troubles:
            raise troubles.pop()
        raise asyncio.CancelledError

    async def begin() -> None:
        pass

    given: Any = (SimpleNamespace(whole=whole, since=0), pages, Stored(), begin)
    with pytest.raises(asyncio.CancelledError):
        await follow._work(audit, *given)
    assert troubles == []


# --- what is told -----------------------------------------------------------------------------------------------------


def test_pages():
    """Ready once everything was read, alive while anything is."""
    now = [0.0]
    state = AuditState(2, 1.5, {"a": 1}, {"b": 0}, {}, {("requests", 0): 7}, {0: 3}, 5)
    pages = AuditPages(lambda: state, lambda: now[0])
    assert (pages.not_ready(), pages.stalled()) == (["not_read_yet"], None)
    pages.read()
    assert pages.not_ready() == []
    now[0] = 301.0
    assert pages.stalled() == "nothing was read for 301 s"
    samples = {sample.name: sample.value for family in AuditMetrics(pages.state).collect() for sample in family.samples}
    assert samples["customer_worker_audit_unended_records"] == 2
    assert samples["customer_worker_audit_contradictions_total"] == 1
    assert samples["customer_worker_audit_offset"] == 7
    assert samples["customer_worker_audit_rounds_total"] == 5
    assert pages.state().as_dict()["behind"] == {"0": 3}


@pytest.mark.parametrize("arguments", [["--partition", "1"], ["--until", "1h"], ["--json"]])
def test_what_does_not_go_with_it(arguments):
    """It judges everything from its beginning on, for good."""
    done = CliRunner().invoke(app, ["verify", "--follow", *arguments])
    assert done.exit_code == 2
