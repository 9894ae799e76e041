"""What `rehearse` counts and concludes, against naive models that keep everything."""

import io
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest
from builders import structured
from hypothesis import given
from hypothesis import strategies as st

from worker.events.decode import Decoder
from worker.kafka.stretch import Piece
from worker.model.commands import PassOver, Request, Unusable
from worker.model.outcomes import Reason, ReasonCode
from worker.model.records import OpenTransaction, Record
from worker.terminal.screen import PlainConsole
from worker.tools.reading.numbering import Numbering
from worker.tools.reading.place import Place
from worker.tools.rehearsal.capacity import Pace, journal_bytes, work_off
from worker.tools.rehearsal.choice import Part, shares
from worker.tools.rehearsal.counts import OTHERS, Counts, Ends, Fault
from worker.tools.rehearsal.keys import HotKey, Keys
from worker.tools.rehearsal.rehearse import beginning, read
from worker.tools.rehearsal.rehearsed import Beginning, Kept, Opened, Rehearsed
from worker.tools.rehearsal.remarks import duration, remarks
from worker.tools.rehearsal.repeats import Repeats
from worker.tools.rehearsal.report import as_document
from worker.tools.rehearsal.show import show
from worker.tools.rehearsal.sizes import Sizes
from worker.tools.rehearsal.tally import Tally, cause

PLACES = st.builds(Place, st.integers(0, 3), st.integers(0, 2**40))
CUSTOMER = {"type": "individual", "contactPersons": [{"firstName": "Jack"}]}
DAY = 86_400_000
NOON = 1_764_000_000_000
SECRET = "jack.bauer@ctu.example"


# --- packed sets ------------------------------------------------------------------------------------------------------


@given(PLACES)
def test_a_place_is_a_number_and_back(place: Place) -> None:
    """Nothing of it is lost."""
    assert Place.unpacked(place.packed) == place


@given(st.lists(st.integers(-(2**63), 2**63)), st.integers(0, 8))
def test_keys_are_numbered(keys: list[int], room: int) -> None:
    """Each key has a number that no other has, and there are no more of them than there is room for."""
    numbering, model = Numbering(room), dict[int, int]()
    for key in keys:
        kept = key % 2**64 or 2**64 - 1
        found = numbering.number(key)
        if kept not in model and len(model) == room:
            assert found is None
            continue
        assert found == (model.get(kept, found and found[0]), kept not in model)
        model[kept] = found[0]
    assert len(set(model.values())) == len(model)
    assert all(0 <= number < numbering.size and numbering.known(key) == number for key, number in model.items())
    assert numbering.is_full == (len(model) == room)


@given(st.lists(st.tuples(st.none() | st.sampled_from([b"", b"a", b"b", b"c"]), PLACES, st.booleans())))
def test_keys(records: list[tuple[bytes | None, Place, bool]]) -> None:
    """How many there are, the hottest, and what of it is sent; the key itself is nowhere."""
    keys = Keys(len(records))
    for key, place, sent in records:
        keys.note(key, place, sent=sent)
    with_key = [(key, place, sent) for key, place, sent in records if key is not None]
    counts, posts = Counter(key for key, *_ in with_key), Counter(key for key, _, sent in with_key if sent)
    first = {key: place for key, place, _ in reversed(with_key)}
    assert (keys.distinct, keys.keyless, keys.beyond_room) == (len(counts), len(records) - len(with_key), 0)
    assert keys.scattered == sum(place.partition != first[key].partition for key, place, _ in with_key)
    assert keys.most_sent == max(posts.values(), default=0)
    hottest = keys.hottest()
    assert [each.records for each in hottest] == sorted(counts.values(), reverse=True)
    assert Counter(hottest) == Counter(HotKey(count, posts[key], first[key]) for key, count in counts.items())


def test_more_keys_than_there_is_room_for() -> None:
    """They are told, and those that are known are counted on."""
    keys = Keys(1)
    for key in (b"a", b"b", b"a"):
        keys.note(key, Place(0, 0), sent=True)
    assert (keys.distinct, keys.beyond_room, keys.most_sent) == (1, 1, 2)


EVENTS = st.lists(
    st.tuples(st.sampled_from([("s", "1"), ("s", "2"), ("t", "1")]), PLACES, st.integers(-5, 2**33)), max_size=12
)


@given(EVENTS, st.integers(0, 2**41))
def test_repeats(records: list[tuple[tuple[str, str], Place, int]], remembered: int) -> None:
    """A repeat is recognised in the partition of the one before it, and among so many events alone."""
    repeats, before = Repeats(len(records), remembered), dict[tuple[str, str], tuple[Place, int]]()
    told = Counter[str]()
    apart = 0
    for identity, place, seconds in records:
        found = repeats.note(identity, place, seconds)
        bounded = min(max(0, seconds), 2**32 - 1)
        if identity not in before:
            assert found is None
        elif before[identity][0].partition != place.partition:
            assert found == "elsewhere"
        else:
            far = place.offset - before[identity][0].offset > remembered
            assert found == ("too_far" if far else "recognised")
            apart = max(apart, bounded - before[identity][1])
        told[str(found)] += 1
        before[identity] = place, bounded
    assert (repeats.recognised, repeats.elsewhere, repeats.too_far) == (
        *(told[kind] for kind in ("recognised", "elsewhere", "too_far")),
    )
    assert repeats.apart == apart


def test_more_events_than_there_is_room_for() -> None:
    """Nobody can say whether they are repeats."""
    repeats = Repeats(1, 10)
    assert [repeats.note(("s", name), Place(0, 0), 0) for name in "abb"] == [None, None, None]
    assert repeats.beyond_room == 2


@given(st.lists(st.integers(0, 2**30), min_size=1), st.floats(0.01, 1))
def test_sizes(sizes: list[int], share: float) -> None:
    """A size that so many do not exceed, told up to an eighth too large; the largest exactly."""
    told = Sizes()
    for number, size in enumerate(sizes):
        told.note(size, Place(0, number))
    exact = sorted(sizes)[max(0, -(-int(share * len(sizes) * 10**6) // 10**6) - 1)]
    assert exact <= told.of(share) <= max(sizes)
    assert told.of(share) <= max(told.of(share) if share == 1 else 0, *(size for size in sizes), exact)
    assert (told.largest, told.total) == (max(sizes), sum(sizes))
    assert told.largest_at == Place(0, sizes.index(max(sizes)))


@given(st.integers(1, 2**40))
def test_a_size_alone(size: int) -> None:
    """As it is; beside a larger one up to an eighth more."""
    told = Sizes()
    told.note(size, Place(0, 0))
    assert told.of(0.5) == size
    told.note(size * 100, Place(0, 1))
    assert size <= told.of(0.5) <= size * 9 / 8


@given(st.lists(st.integers(0, 9)), st.integers(0, 5))
def test_names_in_bounded_room(names: list[int], most: int) -> None:
    """Those that came first are counted each, all others together; no record is lost."""
    counts = Counts[int, Ends](Ends, most)
    for name in names:
        counts.of(name).counts["create"] += 1
    named = list(dict.fromkeys(names))[:most]
    assert dict(counts.rows()).keys() == set(named)
    assert all(row.records == names.count(name) for name, row in counts.rows())
    assert counts.others.records == sum(name not in named for name in names)


def test_producers_in_bounded_room() -> None:
    """Of a fault, too."""
    fault = Fault()
    for number in range(30):
        fault.note(Place(0, number), f"s{number}")
    assert (fault.records, fault.first, len(fault.sources), fault.sources[OTHERS]) == (30, Place(0, 0), 21, 10)


# --- arithmetic -------------------------------------------------------------------------------------------------------


@given(st.dictionaries(st.integers(0, 9), st.integers(0, 1000)), st.none() | st.integers(1, 5000))
def test_shares(sizes: dict[int, int], limit: int | None) -> None:
    """As many as are asked for or there, none of them more than its partition has, each in proportion."""
    given_ = shares(sizes, limit)
    total = sum(sizes.values())
    assert sum(given_.values()) == (total if limit is None else min(total, limit))
    assert given_.keys() == sizes.keys()
    for number, size in sizes.items():
        assert 0 <= given_[number] <= size
        if limit is not None and limit < total:
            assert abs(given_[number] - size * limit / total) < 1


@given(
    st.integers(0, 10**7),
    st.integers(0, 10**5),
    st.floats(0.001, 10),
    st.integers(1, 1000),
    st.none() | st.floats(0.1, 1e4),
)
def test_time_to_work_off(sent: int, hottest: int, latency: float, in_flight: int, rate: float | None) -> None:
    """It is never less than any of what bounds it, and is one of them."""
    told = work_off(sent, hottest, Pace(latency, in_flight, rate))
    bounds = {"api": sent * latency / in_flight, "keys": hottest * latency, "rate": sent / rate if rate else 0.0}
    assert told.seconds == max(bounds.values()) == bounds[told.bound_by]


def test_the_journal_in_memory() -> None:
    """200 bytes an event, of each partition so many at most."""
    assert journal_bytes([10, 1_000_000], 200_000) == 200 * 200_010


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.25, "0.25 s"), (119, "119 s"), (120, "2 min"), (9_000, "2.5 h"), (604_800, "7 days")]
)
def test_durations(seconds: float, told: str) -> None:
    """In the largest unit of which there are two."""
    assert duration(seconds) == told


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("not JSON: unexpected end of data (line 1 column 1015)", "not JSON: unexpected end of data (line # column #)"),
        (
            "the value has 2000000 bytes, more than the 1048576 allowed",
            "the value has # bytes, more than the # allowed",
        ),
        ("the event type is 'lead.v2', not customer.create.requested.v1", None),
        ("CloudEvents version '0.3'; only 1.0 is read", None),
        ("starts with a UTF-8 byte order mark", None),
    ],
)
def test_causes(message: str, told: str | None) -> None:
    """Two records of one cause are one row; a name or a version is the cause's own."""
    assert cause(message) == (told or message)


@pytest.mark.parametrize(
    ("setting", "starts", "parts", "told"),
    [
        ("earliest", {0: 0, 1: 5}, [(0, 10), (5, 9)], Beginning("earliest", 14, 7)),
        ("latest", {0: 10, 1: 9}, [(0, 10), (5, 9)], Beginning("latest", 0, 7)),
        ("2026-11-27T08:00Z", {0: 4, 1: 9}, [(5, 10), (5, 9)], Beginning("2026-11-27T08:00Z", 6)),
        ("earliest", {0: 0, 1: 5}, [(0, 9), (5, 9)], Beginning("earliest", 14)),
    ],
)
def test_where_a_first_start_begins(setting: str, starts: dict[int, int], parts: Any, told: Beginning) -> None:
    """So many records where all of them were read, else so many offsets at most."""
    read = [Part(number, first, end, 99) for number, (first, end) in enumerate(parts)]
    assert beginning(setting, starts, {0: 10, 1: 9}, read, 7) == told
    assert beginning(setting, starts, {0: 10, 1: 9}, read, None).records is None


# --- records ----------------------------------------------------------------------------------------------------------


def tallied(*pieces: Piece, remembered: int = 100, room: int = 100) -> Tally:
    tally, decode = Tally(Keys(room), Repeats(room, remembered), dict.fromkeys(range(4), 0)), Decoder()
    for piece in pieces:
        for record in piece.records:
            tally.record(record, decode(record))
        tally.between(piece)
    return tally


def piece(*records: Record, partition: int = 0, first: int = 0) -> Piece:
    """These at offsets from `first` on, in one batch."""
    placed = [replace(each, partition=partition, offset=first + at) for at, each in enumerate(records)]
    return Piece(partition, first, first + len(records), placed)


def event(number: int = 1, **changed: Any) -> Record:
    made = structured(CUSTOMER, id=f"e-{number}")
    return replace(made, **({"timestamp": NOON} | changed))


def ends(row: Ends) -> dict[str, int]:
    return {end: count for end, count in row.counts.items() if count}


def test_what_becomes_of_records() -> None:
    """Each is counted once, by what it is, whose it is and when it was written."""
    broken = replace(structured(CUSTOMER | {"role": "Boss"}, source="urn:shop"), timestamp=NOON + DAY)
    foreign = replace(structured(CUSTOMER, type="lead.v1"), timestamp=NOON)
    bare = Record("requests", 0, 0, 0, None, orjson.dumps(CUSTOMER))
    tally = tallied(piece(event(1), event(2), event(1), broken, foreign, replace(bare, value=b"{"), bare))
    assert ends(tally.ends) == {"create": 3, "repeats": 1, "fail": 3}
    assert {name: ends(row) for name, row in tally.types.rows()} == {
        "customer.create.requested.v1": {"create": 2, "repeats": 1, "fail": 1},
        "lead.v1": {"fail": 1},
        "(no CloudEvent)": {"create": 1, "fail": 1},
    }
    assert {name: ends(row) for name, row in tally.sources.rows()} == {
        "urn:crm": {"create": 2, "repeats": 1, "fail": 1},
        "urn:shop": {"fail": 1},
        "(none)": {"create": 1, "fail": 1},
    }
    assert {day: row.records for day, row in tally.days.rows()} == {NOON // DAY: 4, NOON // DAY + 1: 1, -1: 2}
    assert [(*name, row.records, str(row.first), row.sources) for name, row in tally.rules.rows()] == [
        ("role.value", "allowed_values", 1, "0@3", {"urn:shop": 1})
    ]
    assert [(code, row.records, str(row.first)) for (code, _), row in tally.causes.rows()] == [
        ("unsupported_event", 1, "0@4"),
        ("undecodable", 1, "0@5"),
    ]
    assert (tally.nameless, tally.keys.keyless, tally.begun) == (1, 2, 7)


def test_a_rule_that_is_broken_in_many_places() -> None:
    """It counts once a record, and the places of a list are one."""
    points = [{"type": {"value": "email", "email": {"emailAddress": "?"}}}] * 3
    data = {"type": "individual", "contactPersons": [{"firstName": "Jack", "contactPoints": points}]}
    tally = tallied(piece(structured(data)))
    paths = {path for (path, rule), row in tally.rules.rows() if rule == "format" and row.records == 1}
    assert paths == {"contactPersons.contactPerson[].contactPoints.contactPoint[].type.email.emailAddress"}


@pytest.mark.parametrize(("mapped", "named"), [(True, "lead.v1"), (False, "customer.create.requested.v1")])
def test_types_with_a_mapping(mapped: bool, named: str) -> None:  # noqa: FBT001  as parametrize gives it
    """It makes our events of any, so that their type is looked for; without one there is only ours."""
    tally = Tally(Keys(9), Repeats(9, 9), {3: 0}, mapped=mapped)
    tally.record(structured(CUSTOMER, type="lead.v1"), Decoder()(structured(CUSTOMER)))
    assert [name for name, _ in tally.types.rows()] == [named]


def test_a_binary_event() -> None:
    """Its type stands in a header."""
    headers = tuple(
        (f"ce_{name}", value)
        for name, value in (("id", b"1"), ("source", b"s"), ("specversion", b"1.0"), ("type", b"x"))
    )
    tally = tallied(piece(Record("requests", 0, 0, NOON, b"k", b"{}", headers)))
    assert [name for name, _ in tally.types.rows()] == ["x"]


@given(st.binary() | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(repr).map(str.encode))
def test_anything_may_stand_in_a_topic(value: bytes) -> None:
    """It is counted, and no error."""
    odd = Record("requests", 0, 0, -1, b"k", value + b'"specversion"')
    assert tallied(piece(odd, replace(odd, value=value))).ends.records == 2


def test_what_the_mapping_passes_over() -> None:
    """It is counted by the mapping's own rule, and what the mapping cannot read by its place in the file."""
    tally, asked = tallied(), Request("urn:crm", "1")
    unmapped = Unusable(asked, Reason(ReasonCode.UNDECODABLE, "mapping, line 9 column 6, event.id: null"))
    for command in (PassOver(asked, "no sign-up"), PassOver(asked, "no sign-up"), unmapped):
        tally.record(event(), command)
    told = as_document(rehearsed(tally), [])
    assert told["passedOver"] == [{"rule": "no sign-up", "records": 2, "first": "3@7", "sources": {"urn:crm": 2}}]
    assert told["causes"][0]["message"] == "mapping, line 9 column 6, event.id: null"
    assert (told["ends"]["passedOver"], told["failing"]) == (2, 100)


def test_repeats_that_fail() -> None:
    """What fails is handled afresh when it comes again: it is no repeat."""
    tally = tallied(piece(*[structured({}, id="e-1")] * 2, event(1), event(1)))
    assert ends(tally.ends) == {"fail": 2, "create": 1, "repeats": 1}


def test_a_repeat_in_another_partition() -> None:
    """It would be created again."""
    tally = tallied(piece(event(1)), piece(event(1), partition=1))
    assert (ends(tally.ends), tally.repeats.elsewhere) == ({"create": 2}, 1)


def test_what_stands_between_records() -> None:
    """Ends of transactions, what they took back, and what nobody can read."""
    tally = tallied(
        Piece(0, 0, 3, taken_back=3),
        Piece(0, 3, 4, end="aborted"),
        Piece(0, 4, 5, end="committed"),
        Piece(1, 0, 9, unreadable="corrupt"),
        Piece(1, 9, 12, unreadable="corrupt"),
    )
    ended = tally.transactions
    assert (ended.aborted, ended.committed, ended.taken_back, tally.ends.records) == (1, 1, 3, 0)
    assert (tally.unreadable.batches, tally.unreadable.first) == (2, "1@0: corrupt")


def test_what_a_first_start_takes() -> None:
    """From its place on."""
    tally = Tally(Keys(9), Repeats(9, 9), {0: 2})
    for record in piece(*[event(number) for number in range(5)]).records:
        tally.record(record, Decoder()(record))
    assert (tally.begun, tally.read) == (3, {0: 5})


# --- what it means ----------------------------------------------------------------------------------------------------


def rehearsed(tally: Tally, **changed: Any) -> Rehearsed:
    given_: dict[str, Any] = {
        "topic": "requests",
        "parts": [Part(0, 0, 10, 10)],
        "passed": 10,
        "tally": tally,
        "beginning": Beginning("earliest", 10, tally.begun),
        "opened": (),
        "kept": Kept(86_400, 200_000, enabled=True, retention=3_600, known=True),
        "pace": Pace(0.2, 64),
        "tolerate": 0.0,
    }
    return Rehearsed(**(given_ | changed))


def about(found: Rehearsed) -> list[str]:
    return [kind for kind, _ in remarks(found)]


def test_all_is_well() -> None:
    """Nothing has to be looked at."""
    found = rehearsed(tallied(piece(event(1), event(2))))
    assert (found.holds, about(found)) == (True, [])


@pytest.mark.parametrize(("tolerate", "holds"), [(0, False), (24.9, False), (25, True), (100, True)])
def test_what_is_tolerated(tolerate: float, holds: bool) -> None:  # noqa: FBT001  a row of a table
    """Percent of what is read; exactly as many are not too many."""
    tally = tallied(piece(event(1), event(2), event(3), event(4, value=b"{")))
    assert rehearsed(tally, tolerate=tolerate).holds == holds


def test_what_others_handle() -> None:
    """It is no part of what the share is taken of."""
    row = Ends()
    row.counts |= {"passed_over": 90, "create": 5, "fail": 5}
    assert (row.records, row.failing) == (100, 50.0)


def test_what_nobody_can_read() -> None:
    """It is tolerated by no percentage: the worker would hold there."""
    found = rehearsed(tallied(Piece(0, 0, 9, unreadable="corrupt")), tolerate=100.0)
    assert (found.holds, about(found)) == (False, ["unreadable"])


@pytest.mark.parametrize(
    ("kept", "covers"),
    [
        (Kept(3_600, 9, enabled=True, retention=3_600, known=True), True),
        (Kept(3_599, 9, enabled=True, retention=3_600, known=True), False),
        (Kept(3_600, 9, enabled=True, retention=None, known=True), False),
        (Kept(3_600, 9, enabled=False, retention=60, known=True), False),
        (Kept(3_600, 9, enabled=True), None),
    ],
)
def test_whether_the_window_covers_the_retention(kept: Kept, covers: bool | None) -> None:  # noqa: FBT001  as above
    """Nobody can tell where the topic's configuration may not be read."""
    assert kept.covers is covers


def test_everything_to_be_looked_at() -> None:
    """Each with a sentence of its own."""
    late = event(2, timestamp=NOON + 2 * DAY)
    tally = tallied(
        piece(event(1), event(2), *[event(number) for number in range(10, 15)], late),
        piece(event(1), Record("r", 0, 0, 1, None, orjson.dumps(CUSTOMER)), partition=1),
        Piece(1, 2, 9, unreadable="corrupt"),
        remembered=4,
    )
    tally.keys.beyond_room = tally.repeats.beyond_room = 1
    found = rehearsed(
        tally,
        opened=[Opened(0, OpenTransaction(7, 1.0), 3)],
        kept=Kept(86_400, 4, enabled=True, retention=7 * 86_400, known=True, compacted=True),
        live_catalog=True,
    )
    assert about(found) == [
        "unreadable",
        "open_transaction",
        "repeats_elsewhere",
        "repeats_too_far",
        "repeats_late",
        "events_beyond_room",
        "no_identity",
        "no_key",
        "scattered_keys",
        "keys_beyond_room",
        "window",
        "compacted",
        "catalog",
    ]
    texts = dict(remarks(found))
    assert "WORKER_JOURNAL__WINDOW=172800" in texts["repeats_late"]
    assert "WORKER_JOURNAL__MAX_ENTRIES=6" in texts["repeats_too_far"]


def test_a_part_of_what_was_asked_for() -> None:
    """Times are in proportion to it."""
    tally = tallied(piece(*[event(number, key=b"hot") for number in range(5)]))
    whole, half = (rehearsed(tally, passed=passed, pace=Pace(2, 1)) for passed in (10, 5))
    assert (whole.work_off.seconds, half.work_off.seconds) == (10, 20)
    assert (whole.whole, half.whole) == (True, False)


class Pieces:
    """A stretch of these batches."""

    def __init__(self, *pieces: Piece) -> None:
        self.pieces = pieces

    async def read(self, _: int) -> AsyncIterator[Piece]:
        for each in self.pieces:
            yield each


@pytest.mark.parametrize(("limit", "passed"), [(2, 2), (5, 5), (6, 6), (7, 8), (9, 10)])
async def test_a_limit_in_the_midst_of_a_batch(limit: int, passed: int) -> None:
    """What was not counted was not read: what is in proportion to that would be too little."""
    batches = [piece(*map(event, range(5)), first=first) for first in (0, 5)]
    batches[1] = replace(batches[1], next_offset=10, records=batches[1].records[:2] + batches[1].records[3:])
    tally, part, decoder = tallied(), Part(0, 0, 10, limit), Decoder()

    async def decode(record: Record) -> Any:
        return decoder(record)

    stretch: Any = Pieces(*batches)
    assert await read(stretch, [part], decode, tally, lambda _: None) == passed
    assert tally.ends.records == limit


def odd_topic(secret: str = SECRET) -> Sequence[Piece]:
    """Values of a customer wherever a producer may put them."""
    customer = {"type": "individual", "contactPersons": [{"firstName": secret, "gender": secret}]}
    return [
        piece(
            *[
                replace(each, key=secret.encode())
                for each in (
                    structured(customer),
                    event(2),
                    event(2),
                    event(3, value=f'{{"a": {secret}'.encode()),
                    event(4, value=orjson.dumps({"type": secret, "note": "specversion"})),
                    event(5, value=secret.encode()),
                    replace(structured(customer), headers=(("x-customer", secret.encode()),)),
                )
            ]
        )
    ]


def test_nothing_of_a_customer_is_told() -> None:
    """Neither in the document nor on the screen; the hottest key is told by the place of its first record."""
    found = rehearsed(tallied(*odd_topic()))
    told = list(remarks(found))
    console = PlainConsole(file=io.StringIO(), width=200)
    show(found, told, console)
    document = orjson.dumps(as_document(found, told)).decode()
    shown = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    assert SECRET not in document + shown
    assert as_document(found, told)["keys"]["hottest"] == [{"records": 7, "create": 1, "first": "0@0"}]
    assert "the hottest has 7 records, the first at 0@0" in shown


def test_an_empty_topic() -> None:
    """There is nothing to say of it, and nothing fails."""
    found = rehearsed(tallied(room=0), parts=[Part(0, 0, 0, 0)], passed=0, beginning=Beginning("earliest", 0, 0))
    told = as_document(found, [])
    assert (told["holds"], told["read"]["whole"], told["workOff"]["seconds"]) == (True, True, 0)
    console = PlainConsole(file=io.StringIO(), width=200)
    show(found, [], console)
    assert console.file.getvalue().startswith("requests: 0 records of 1 partition")  # type: ignore[attr-defined]
