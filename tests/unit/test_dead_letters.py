"""Dead letters as people name, filter and replay them; no Kafka."""

import hashlib
import struct
from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest

from worker import wiring
from worker.console.index.causes import cause
from worker.creation.reconcile import Absent, Existing, Unclear
from worker.events.letter_headers import original
from worker.events.results import Results
from worker.model.commands import Request
from worker.model.errors import MessageTooLarge, StartupError
from worker.model.outcomes import EXISTS as A_CUSTOMER_EXISTS
from worker.model.outcomes import Failed, HttpAnswer, Reason, ReasonCode, Violation
from worker.model.records import OutgoingMessage, Position, Record
from worker.settings.settings import Reconcile, Settings
from worker.terminal.text import document
from worker.tools.dead_letters.filters import Filter, moment_of, named
from worker.tools.dead_letters.letters import Letter, bare, letter
from worker.tools.dead_letters.listing import as_printed
from worker.tools.dead_letters.marks import mark_of
from worker.tools.dead_letters.replay import (
    FOREIGN,
    FORGOTTEN,
    GONE,
    MADE,
    NOTHING,
    REPLAYED,
    TOO_LARGE,
    UNKNOWN,
    UNREADABLE,
    Origin,
    Rules,
)
from worker.tools.dead_letters.replay_letters import Asked, Told
from worker.tools.dead_letters.replaying import STOPPED, Replaying, batches
from worker.tools.dead_letters.results import EXISTS, Found, Left, Replayed, Tally
from worker.tools.dead_letters.run import Batch
from worker.tools.dead_letters.topic import Row, Topics
from worker.tools.reading.place import Place
from worker.tools.reading.place_set import PlaceSet

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
RESULTS = Results("crm", "ok", "failed", "dead", "group")
REQUEST = Request("urn:shop", "e-1")
GIVEN = (("ce_id", b"e-1"), ("bytes", b"\xfe"))
RULES = Rules("requests", {0: (0, 100), 1: (50, 100)}, 3)


def dead(
    code=ReasonCode.REJECTED,
    offset=7,
    *,
    place=17,
    partition=0,
    headers=GIVEN,
    value=b"v",
    key=b"k",
    why="why",
    **changes,
):
    """As it lies in the dead-letter topic: the record `offset` of that partition of the requests failed."""
    failed = Failed(Reason(code, why, (Violation("pin", "max_length", 255),), HttpAnswer(400, "400-1")), 2)
    record = Record("requests", partition, offset, 1_000, key, value, headers)
    results = Results("crm", "ok", "failed", "dead", "group", **changes)
    message = results.dead_letter(failed, record, REQUEST, 0.0)
    return Record("dead", partition, place, 2_000, message.key, message.value, message.headers)


def test_a_letter_of_ours():
    """Everything that its headers say."""
    told = letter(dead())
    assert (told.place, told.request, told.topic, told.requested) == (Place(0, 17), Place(0, 7), "requests", 1_000)
    assert (told.reason, told.message, told.status, told.error_code) == (ReasonCode.REJECTED, "why", 400, "400-1")
    assert (told.event_source, told.event_id, told.attempts, told.replays) == ("urn:shop", "e-1", 2, 0)
    assert told.violations == ({"path": "pin", "rule": "max_length", "limit": 255},)
    assert not told.omitted
    assert letter(dead(with_payload=False)).omitted


SPRING = (
    ("kafka_dlt-original-topic", b"orders"),
    ("kafka_dlt-original-partition", struct.pack(">i", 2)),
    ("kafka_dlt-original-offset", struct.pack(">q", 9)),
    ("kafka_dlt-exception-fqcn", b"java.lang.IllegalStateException"),
    ("kafka_dlt-exception-message", b"jack@example.com is no number"),
)
CONNECT = (
    ("__connect.errors.topic", b"orders"),
    ("__connect.errors.partition", b"2"),
    ("__connect.errors.offset", b"9"),
    ("__connect.errors.exception.class.name", b"org.apache.kafka.connect.errors.DataException"),
)


@pytest.mark.parametrize(
    ("headers", "tool", "kind"),
    [
        (SPRING, "Spring Kafka", "java.lang.IllegalStateException"),
        (CONNECT, "Kafka Connect", "org.apache.kafka.connect.errors.DataException"),
    ],
)
def test_a_letter_of_another_tool(headers, tool, kind):
    """Listed as such, with its original place; its message may quote anything and is not told."""
    told = letter(Record("dead", 0, 1, 5, None, b"v", headers))
    assert (told.called, told.tool, told.kind) == ("foreign", tool, kind)
    assert (told.topic, told.request) == ("orders", Place(2, 9))
    assert "jack" not in str(told.as_dict())


GARBAGE = {
    "none": (),
    "other": (("a", None), ("b", b"\xff")),
    "no code": (("worker-reason", b"bored"),),
    "no text": (("worker-reason", b"\xff"),),
    "null": (("worker-reason", None),),
    "short numbers": (("kafka_dlt-original-topic", b"t"), ("kafka_dlt-original-partition", b"\x00")),
    "text for numbers": (("kafka_dlt-original-topic", b"t"), ("kafka_dlt-original-offset", b"12")),
    "a negative place": (("__connect.errors.topic", b""), ("__connect.errors.offset", b"-1")),
    "a place beyond all": (
        ("kafka_dlt-original-topic", b"t"),
        ("kafka_dlt-original-partition", struct.pack(">i", 2)),
        ("kafka_dlt-original-offset", struct.pack(">q", 2**62)),
    ),
    "no numbers": (("__connect.errors.topic", b"t"), ("__connect.errors.partition", "²".encode())),
}


@pytest.mark.parametrize("headers", GARBAGE.values(), ids=GARBAGE)
def test_a_record_that_is_no_dead_letter(headers):
    """It is listed, and cannot be replayed."""
    record = Record("dead", 0, 1, 5, None, None, headers)
    told = letter(record)
    assert (told.called, told.request) == ("foreign", None)
    assert told.as_dict()["reason"] == "foreign"
    assert RULES.obstacle(told, record) == FOREIGN


@pytest.mark.parametrize(("timestamp", "told"), [(-1, "1969"), (-(2**62), "0001"), (2**62, "9999")])
def test_a_time_that_no_calendar_has(timestamp, told):
    """Producers make times up: the letter is listed all the same."""
    assert str(letter(replace(dead(), timestamp=timestamp)).as_dict()["time"]).startswith(told)


@pytest.mark.parametrize("name", ["worker-http-status", "worker-attempts", "worker-replays", "worker-violations"])
@pytest.mark.parametrize("value", [b"\xff", b"x", b"", None, b"[1]", b"9" * 5000])
def test_one_of_our_headers_that_is_broken(name, value):
    """It tells nothing, and the rest is told."""
    headers = tuple((each, value if each == name else told) for each, told in dead().headers)
    told = letter(Record("dead", 0, 17, 2_000, b"k", b"v", headers))
    assert (told.reason, told.event_id) == (ReasonCode.REJECTED, "e-1")
    assert told.as_dict()


DEEP = b"[" * 1_000 + b"]" * 1_000


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (b'[{"path":%s,"rule":"x"}]' % DEEP, ({"rule": "x"},)),
        (b'[{"path":"pin","rule":{"a":1},"limit":"1","allowed":"a","more":%s}]' % DEEP, ({"path": "pin"},)),
        (b'[{"rule":"y","limit":9,"allowed":["a",%s]}]' % DEEP, ({"rule": "y", "limit": 9, "allowed": ["a"]},)),
        (b'[{"path":1},{"more":%s}]' % DEEP, ()),
    ],
    ids=["path", "more", "allowed", "nothing of ours"],
)
def test_broken_rules_that_somebody_else_wrote(value, told):
    """What has the form of ours is told; of anything else, whatever its depth, neither a list nor an index fails."""
    headers = tuple((each, value if each == "worker-violations" else old) for each, old in dead().headers)
    found = letter(Record("dead", 0, 17, 2_000, b"k", b"v", headers))
    assert found.violations == told
    assert document(found.as_dict())
    assert cause(found).name


FITTING = {
    "nothing asked": Filter(),
    "reason": Filter(reasons=frozenset({"rejected", "refused"})),
    "status": Filter(statuses=frozenset({400})),
    "since": Filter(since=2_000),
    "until": Filter(until=2_001),
    "partition": Filter(partition=0),
    "key": Filter(key=b"k"),
    "event": Filter(events=frozenset({"e-1"})),
    "place": Filter(places=frozenset({Place(0, 17)})),
    "place or event": Filter(places=frozenset({Place(5, 5)}), events=frozenset({"e-1"})),
}
UNFIT = {
    "reason": Filter(reasons=frozenset({"foreign"})),
    "status": Filter(statuses=frozenset({500})),
    "since": Filter(since=2_001),
    "until": Filter(until=2_000),
    "partition": Filter(partition=1),
    "key": Filter(key=b"K"),
    "event": Filter(events=frozenset({"e-2"})),
    "place": Filter(places=frozenset({Place(0, 18)})),
    "one of two": Filter(reasons=frozenset({"rejected"}), key=b"other"),
}


@pytest.mark.parametrize("wanted", FITTING.values(), ids=FITTING)
def test_a_filter_that_fits(wanted):
    """Everything that is given holds."""
    assert wanted.fits(letter(dead()), dead())


@pytest.mark.parametrize("wanted", UNFIT.values(), ids=UNFIT)
def test_a_filter_that_does_not(wanted):
    """One thing that does not hold is enough."""
    assert not wanted.fits(letter(dead()), dead())


def test_what_is_held_of_a_letter():
    """Nothing of one that does not fit, and of one that does only what the command needs."""
    assert Row.of(dead(), Filter(reasons=frozenset({"refused"})), bare).letter is None
    row, kept = (
        Row.of(dead(), Filter(), bare),
        Letter(Place(0, 17), 2_000, ReasonCode.REJECTED, "requests", Place(0, 7)),
    )
    assert (row.timestamp, row.letter) == (2_000, kept)
    whole = letter(dead())
    assert as_printed(as_json=False)(whole).violations == ()
    assert as_printed(as_json=True)(whole) == whole


def test_where_to_look():
    """Only where something can fit."""
    everything = (0, 2**62)
    assert Filter().spans(2) == {0: everything, 1: everything}
    assert Filter(partition=1).spans(2) == {1: everything}
    assert Filter(places=frozenset({Place(1, 5), Place(1, 9)})).spans(2) == {1: (5, 10)}
    assert Filter(places=frozenset({Place(1, 5)}), events=frozenset({"e"})).spans(2) == {0: everything, 1: everything}


async def test_a_partition_that_the_dead_letters_do_not_have():
    """It is said before anything is read or begun; the last one is there."""
    settings = Settings()
    found = Topics(wiring.plan(settings), wiring.connection(settings), dead_letters=2, requests=3)
    found.require(Filter(partition=1))
    with pytest.raises(StartupError, match=r"dead-letters \(WORKER_TOPICS__DEAD_LETTERS\) has no partition 2"):
        await anext(found.newest(Filter(partition=2), None))


def test_names():
    """A place has an @ between two numbers; whatever else there is names an event."""
    assert named(["2@17", "e@1", "17"]) == (frozenset({Place(2, 17)}), frozenset({"e@1", "17"}))


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("90s", NOW - 90),
        ("30m", NOW - 1_800),
        ("1.5h", NOW - 5_400),
        ("7d", NOW - 604_800),
        ("2026-11-22T12:00Z", NOW),
        ("2026-11-22T12:00", NOW),
        ("2026-11-22T13:00+01:00", NOW),
        ("2026-11-22", NOW - 43_200),
        ("0001-01-01T00:00+23:59", 0),
        ("999999999d", 0),
    ],
)
def test_moments(text, when):
    """An age before now, or a time, which is UTC where it says nothing else."""
    assert moment_of(text, NOW) == when * 1000


@pytest.mark.parametrize("text", ["", "h", "2", "-2h", "2w", "yesterday", "2026-13-01"])
def test_no_moments(text):
    """The error says what may be written."""
    with pytest.raises(ValueError, match="2h"):
        moment_of(text, NOW)


def test_a_set_of_places():
    """A set of places, which says where to begin to read."""
    places = PlaceSet({0: (100, 200), 1: (0, 5)})
    for place in (Place(0, 150), Place(0, 150), Place(0, 199), Place(0, 200), Place(0, 99), Place(7, 1)):
        places.add(place)
    assert len(places) == 2
    assert [Place(0, offset) in places for offset in (149, 150, 151, 199, 200, 99)] == [
        False,
        True,
        False,
        True,
        False,
        False,
    ]
    (partition, lowest), *others = places.lowest().items()
    assert (partition, others) == (0, [])
    assert lowest == 150


def test_marks():
    """A replayed record names the record that it is a replay of; whatever else stands there names none."""
    made = RULES.replayed(letter(dead()), dead(), accepted=False)
    assert mark_of(Record("requests", 0, 90, 0, made.key, made.value, made.headers)) == Place(0, 7)
    for value in (None, b"", b"\xff", b"1@", b"-1@2", b"1@2@3"):
        assert mark_of(Record("requests", 0, 90, 0, None, b"", (("worker-replay-of", value),))) is None


def test_a_replayed_record():
    """The original key, value and headers in the partition it was in, then the marks."""
    made = RULES.replayed(letter(dead()), dead(), accepted=False)
    assert made == OutgoingMessage(
        "requests",
        b"k",
        b"v",
        (
            *GIVEN,
            ("worker-replay-of", b"0@7"),
            ("worker-replays", b"1"),
            ("worker-replay-reason", b"rejected"),
            ("worker-event-source", b"urn:shop"),
            ("worker-event-id", b"e-1"),
        ),
        0,
    )
    assert RULES.replayed(letter(dead()), dead(), accepted=True).headers[-1] == ("worker-accept-duplicates", b"true")


def test_who_replayed_it():
    """The record says so, and the next dead letter of it does not: the marks are no original headers."""
    rules = replace(RULES, origin=Origin("r-1", "Zoë"))
    made = rules.replayed(letter(dead()), dead(), accepted=False)
    assert made.headers[-2:] == (("worker-replay-run", b"r-1"), ("worker-replay-by", "Zoë".encode()))
    assert original(made.headers) == GIVEN


def by_place(**changes):
    """The last form of a dead letter: of its record it tells the place alone."""
    failed = Failed(Reason(ReasonCode.REJECTED, "why"), 2)
    record = Record("requests", 0, 7, 1_000, b"k", b"v", GIVEN, **changes)
    *_, message = RESULTS.dead_letters(failed, record, REQUEST, 0.0)
    return Record("dead", 0, 17, 2_000, message.key, message.value, message.headers)


def test_a_letter_that_tells_the_place_alone():
    """All the rest is to be read there."""
    told = letter(by_place())
    assert (told.omitted, told.original_omitted, told.null, told.request) == (True, True, False, Place(0, 7))
    assert (told.event_id, told.reason) == ("e-1", ReasonCode.REJECTED)
    assert RULES.obstacle(told, by_place()) is None


def test_a_letter_of_a_record_whose_headers_could_not_be_read():
    """Nobody knows what it asked for: it is left alone."""
    record = by_place(unreadable="a header's name is not UTF-8")
    assert letter(record).unreadable
    assert RULES.obstacle(letter(record), record) == UNREADABLE


def test_a_partition_that_is_gone():
    """The key decides."""
    record = dead(partition=5)
    assert RULES.replayed(letter(record), record, accepted=False).partition is None


AGAIN = (*GIVEN, ("worker-replay-of", b"0@1"), ("worker-replays", b"3"))
ACCEPTED = (("worker-customer-exists", b"perhaps"), ("worker-accept-duplicates", b"true"))
OF_A_DOUBT = (*GIVEN, ("worker-replay-of", b"0@1"), ("worker-replays", b"1"), *ACCEPTED)
OF_A_MADE_ONE = (*GIVEN, ("worker-replay-of", b"0@1"), ("worker-replays", b"1"), ("worker-customer-exists", b"true"))
CONFIRMED = f"{A_CUSTOMER_EXISTS}: 201 without a Location"
ACCEPT = Rules("requests", RULES.requests, 3, accept_duplicates=True)
LOOK_UP = Rules("requests", RULES.requests, 3, look_up=True)


@pytest.mark.parametrize(
    ("rules", "record", "why"),
    [
        (RULES, dead(), None),
        (RULES, dead(with_payload=False), None),
        (RULES, dead(value=None), None),
        (RULES, dead(value=None, key=None), NOTHING),
        (RULES, dead(key=None, with_payload=False), None),
        (RULES, dead(headers=AGAIN), "replayed 3 times (WORKER_DEAD_LETTERS__MAX_REPLAYS)"),
        (Rules("elsewhere", RULES.requests, 3), dead(), "from another topic than elsewhere"),
        (RULES, dead(partition=1, offset=48), FORGOTTEN),
        (RULES, dead(partition=1, offset=49), None),
        (RULES, dead(offset=99), None),
        (RULES, dead(offset=100), FORGOTTEN),
        (RULES, dead(partition=2), FORGOTTEN),
        (ACCEPT, dead(partition=2), None),
        (RULES, dead(ReasonCode.OUTCOME_UNKNOWN), UNKNOWN),
        (ACCEPT, dead(ReasonCode.OUTCOME_UNKNOWN), None),
        (LOOK_UP, dead(ReasonCode.OUTCOME_UNKNOWN), None),
        (RULES, dead(ReasonCode.OUTCOME_UNKNOWN, why=CONFIRMED), MADE),
        (RULES, dead(ReasonCode.REJECTED, headers=OF_A_MADE_ONE), MADE),
        (ACCEPT, dead(ReasonCode.REJECTED, headers=OF_A_MADE_ONE), None),
        (RULES, dead(ReasonCode.REJECTED, headers=OF_A_DOUBT), UNKNOWN),
        (ACCEPT, dead(ReasonCode.REJECTED, headers=OF_A_DOUBT), None),
        (LOOK_UP, dead(ReasonCode.REJECTED, headers=OF_A_DOUBT), None),
    ],
)
def test_what_may_be_replayed(rules, record, why):
    """Nothing whose customer may exist, nothing that may have been replayed, nothing for ever."""
    assert rules.obstacle(letter(record), record) == why


@pytest.mark.parametrize("code", [code for code in ReasonCode if code is not ReasonCode.OUTCOME_UNKNOWN])
def test_every_certain_failure_may_be_replayed(code):
    """No customer came of it."""
    assert RULES.obstacle(letter(dead(code)), dead(code)) is None


class Topic:
    """The request topic: what was published, and where the originals are."""

    def __init__(self, *originals):
        self.published = []
        self.originals = {Place(each.partition, each.offset): each for each in originals}

    async def publish(self, messages):
        self.published += messages
        return [Position("requests", 0, 90 + number) for number, _ in enumerate(messages)]

    async def original(self, place):
        return self.originals.get(place)


async def replayed(topic, *records, rules=RULES, finding=None, dry=False, before=()):
    """(results, tally)."""

    async def look_up(which, message):
        return finding

    async def given():
        yield list(records)

    places = PlaceSet({0: (0, 100), 1: (0, 100)})
    for place in before:
        places.add(place)
    publish = None if dry else topic.publish
    replaying = Replaying(rules, places, topic.original, look_up if finding else None, publish)
    tally = Tally()
    results = [each async for batch in replaying.batches(given()) for each in batch]
    for each in results:
        tally.add(each)
    return results, tally


async def test_a_replay():
    """In the order of the letters, each with the place where it now is."""
    topic = Topic()
    results, tally = await replayed(topic, dead(offset=7, place=1), dead(offset=8, place=2))
    assert [each.position.offset for each in results] == [90, 91]
    assert [dict(each.headers)["worker-replay-of"] for each in topic.published] == [b"0@7", b"0@8"]
    assert (tally.replayed, tally.left) == ({"rejected": 2}, {})


def random_bytes(count):
    """Bytes that no compression makes fewer."""
    return b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(count // 32))


LARGE = random_bytes(100_000)


@pytest.mark.parametrize("dry", [False, True])
async def test_a_letter_that_fits_its_topic_no_more(dry, capsys):
    """With the headers of its replay it is too large: it is left and named, and the others are replayed."""
    topic, rules = Topic(), replace(RULES, largest=100_050)
    records = dead(offset=7, place=1), dead(offset=8, place=2, value=LARGE), dead(offset=9, place=3)
    results, tally = await replayed(topic, *records, rules=rules, dry=dry)
    assert (tally.replayed, tally.left) == ({"rejected": 2}, {TOO_LARGE: 1})
    assert [dict(each.headers)["worker-replay-of"] for each in topic.published] == ([] if dry else [b"0@7", b"0@9"])
    Told(Settings(), Asked(yes=not dry)).add(Batch(results))
    assert capsys.readouterr().err == f"0@2: {TOO_LARGE}\n"


async def test_two_letters_of_one_record_that_fit_no_more():
    """None of them was replayed, and none is said to be."""
    records = dead(place=1, value=LARGE), dead(place=2, value=LARGE)
    _, tally = await replayed(Topic(), *records, rules=replace(RULES, largest=100_050))
    assert (tally.replayed, tally.left) == ({}, {TOO_LARGE: 2})


@pytest.mark.parametrize(("value", "largest"), [(b"v" * 100_000, 1_000), (LARGE, 101_000)])
async def test_a_letter_that_fits_as_it_is_published(value, largest):
    """It is measured as the broker does: compressed, where that makes it smaller."""
    _, tally = await replayed(Topic(), dead(value=value), rules=replace(RULES, largest=largest))
    assert (tally.replayed, tally.left) == ({"rejected": 1}, {})


async def test_a_letter_of_which_only_kafka_knows_that_it_does_not_fit():
    """Where we may not know the topic's limit the replay ends, and names the letter."""

    class Small(Topic):
        async def publish(self, messages):
            raise MessageTooLarge("requests takes no message of that size", (1,))

    with pytest.raises(MessageTooLarge, match=r"^0@2: larger than the request topic takes .* let the topic take more"):
        await replayed(Small(), dead(offset=7, place=1), dead(offset=8, place=2))


@pytest.mark.parametrize(("rate", "together", "apart"), [(5, 1, 0.2), (0.5, 1, 2), (50, 5, 0.1), (5_000, 100, 0.02)])
async def test_the_rate_of_a_replay(rate, together, apart):
    """Evenly: a batch is what a tenth of a second may hold, and a slow one is not made up for."""
    now, published, count = [0.0], [], 6 * together

    async def sleep(seconds):
        now[0] += seconds

    async def publish(messages):
        published.append((now[0], len(messages)))
        now[0] += 10 * apart if len(published) == 3 else apart / 4
        return [Position("requests", 0, number) for number, _ in enumerate(messages)]

    async def given():
        yield [dead(offset=number) for number in range(count)]

    rules, before = Rules("requests", {0: (0, 10_000)}, 3), PlaceSet({0: (0, 10_000)})
    replaying = Replaying(rules, before, Topic().original, None, publish, rate, lambda: now[0], sleep)
    assert len([each async for batch in replaying.batches(given()) for each in batch]) == count
    assert [size for _, size in published] == [together] * 6
    assert [at for at, _ in published] == pytest.approx([apart * each for each in (0, 1, 2, 12, 13, 14)])


@pytest.mark.parametrize("asked", [0, 1, 2, 3])
async def test_a_replay_that_is_stopped(asked):
    """After the batch at hand: of each letter it is certain whether it was replayed, and the others may be later."""
    topic, asks = Topic(), iter(range(10))

    async def given():
        yield [dead(offset=number) for number in range(4)]

    async def slept(seconds):
        pass

    places = PlaceSet({0: (0, 100)})
    replaying = Replaying(RULES, places, topic.original, None, topic.publish, rate=20, sleep=slept)
    replaying = replace(replaying, stopped=lambda: next(asks) >= asked)
    results = [each async for batch in replaying.batches(given()) for each in batch]
    published = asked // 2 * 2
    assert [isinstance(each, Replayed) for each in results] == [number < published for number in range(4)]
    assert all(isinstance(each, Left) and each.why == STOPPED for each in results[published:])
    assert len(topic.published) == published


@pytest.mark.parametrize(
    ("record", "is_doubt"),
    [
        (dead(ReasonCode.OUTCOME_UNKNOWN), True),
        (dead(ReasonCode.REJECTED, headers=OF_A_DOUBT), True),
        (dead(ReasonCode.REJECTED), False),
    ],
)
async def test_a_doubt_in_a_dry_run(record, is_doubt, capsys):
    """It would be replayed after a look-up alone, whatever its reason, and that is said."""
    results, _ = await replayed(Topic(), record, rules=LOOK_UP, dry=True)
    run = Told(Settings(reconcile=Reconcile(by="email")), Asked(), selected=1)
    run.add(Batch(results))
    run.tell()
    assert ("doubts: only after a look-up" in capsys.readouterr().out) is is_doubt


def test_what_a_replay_says_to_a_machine(capsys):
    """Each letter by itself, those that were left too, with the reason; then the counts."""
    run = Told(Settings(), Asked(yes=True, as_json=True), selected=3)
    replayed, found, left = (letter(dead(place=place)) for place in (1, 2, 3))
    run.add(Batch([Replayed(replayed, Position("requests", 0, 90)), Found(found, "2801")]))
    run.add(Batch([Left(left, UNKNOWN)]))
    run.tell()
    told = [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert told == [
        {"deadLetter": str(replayed.place), "replayedAs": {"topic": "requests", "partition": 0, "offset": 90}},
        {"deadLetter": str(found.place), "left": EXISTS, "customerId": "2801"},
        {"deadLetter": str(left.place), "left": UNKNOWN},
        {"selected": 3, "dryRun": False, "replayed": {"rejected": 1}, "left": {EXISTS: 1, UNKNOWN: 1}},
    ]


async def test_a_dry_run():
    """It says the same and publishes nothing."""
    topic = Topic()
    _, tally = await replayed(topic, dead(offset=7), dead(ReasonCode.OUTCOME_UNKNOWN, offset=8), dry=True)
    assert (tally.replayed, tally.left) == ({"rejected": 1}, {UNKNOWN: 1})
    assert topic.published == []


async def test_what_was_replayed_before():
    """It is left alone, and so is a second dead letter of one record, as a crash leaves it."""
    topic = Topic()
    records = (dead(offset=6, place=1), dead(offset=7, place=2), dead(offset=7, place=3))
    doubt = dead(ReasonCode.OUTCOME_UNKNOWN, offset=5)
    _, tally = await replayed(topic, *records, doubt, before=[Place(0, 6), Place(0, 5)])
    assert (tally.replayed, tally.left) == ({"rejected": 1}, {REPLAYED: 3})
    assert len(topic.published) == 1


ORIGINAL = Record("requests", 0, 7, 1_000, b"k", b"the whole value", GIVEN)


@pytest.mark.parametrize(
    ("originals", "accepted", "why"), [([ORIGINAL], False, None), ([], False, FORGOTTEN), ([], True, None)]
)
async def test_requests_that_are_compacted(originals, accepted, why):
    """Where a later record of its key has taken an original's place, it may have taken its replay's place, too."""
    topic, rules = Topic(*originals), replace(RULES, compacted=True, accept_duplicates=accepted)
    (result,), _ = await replayed(topic, dead(), rules=rules)
    assert (getattr(result, "why", None), len(topic.published)) == (why, 0 if why else 1)


@pytest.mark.parametrize(
    ("originals", "why"),
    [
        ([ORIGINAL], None),
        ([], GONE),
        ([Record("requests", 0, 7, 1_001, b"k", b"of a topic made anew", GIVEN)], GONE),
        ([Record("requests", 0, 7, 1_000, b"K", b"of another key", GIVEN)], GONE),
    ],
)
async def test_a_letter_without_its_payload(originals, why):
    """The value comes from the record itself, as long as that is there and still the same."""
    topic = Topic(*originals)
    (result,), _ = await replayed(topic, dead(with_payload=False))
    if why:
        assert (result.why, topic.published) == (why, [])
    else:
        (message,) = topic.published
        assert (message.key, message.value, original(message.headers)) == (b"k", b"the whole value", GIVEN)


async def test_a_letter_without_payload_of_a_record_that_had_nothing():
    """There is nothing to be published."""
    topic = Topic(Record("requests", 0, 7, 1_000, None, None, GIVEN))
    (result,), _ = await replayed(topic, dead(value=None, key=None, with_payload=False))
    assert result.why == NOTHING


DOUBT = dead(ReasonCode.OUTCOME_UNKNOWN)


async def test_a_doubt_whose_customer_is_found():
    """It is not replayed, whoever accepts duplicates."""
    for rules in (LOOK_UP, Rules("requests", RULES.requests, 3, accept_duplicates=True, look_up=True)):
        topic = Topic()
        results, tally = await replayed(topic, DOUBT, rules=rules, finding=Existing("2801"))
        assert results == [Found(letter(DOUBT), "2801")]
        assert (tally.left, topic.published) == ({EXISTS: 1}, [])


async def test_a_doubt_whose_customer_is_not_there():
    """It is replayed, and needs nobody's word."""
    topic = Topic()
    results, _ = await replayed(topic, DOUBT, rules=LOOK_UP, finding=Absent())
    assert isinstance(results[0], Replayed)
    assert "worker-accept-duplicates" not in dict(topic.published[0].headers)


BOTH = Rules("requests", RULES.requests, 3, accept_duplicates=True, look_up=True)


@pytest.mark.parametrize("made", [dead(ReasonCode.OUTCOME_UNKNOWN, why=CONFIRMED), dead(headers=OF_A_MADE_ONE)])
@pytest.mark.parametrize("dry", [True, False])
async def test_a_customer_whom_the_api_confirmed_and_no_look_up_finds(made, dry):
    """Only a person's word sends it, and what is sent says that there was a customer before."""
    topic = Topic()
    results, _ = await replayed(topic, made, rules=LOOK_UP, finding=Absent(), dry=dry)
    assert (results, topic.published) == ([Left(letter(made), MADE)], [])
    ((sent,), _) = await replayed(topic, made, rules=BOTH, finding=Absent(), dry=dry)
    assert isinstance(sent, Replayed)
    for each in topic.published:
        assert dict(each.headers)["worker-accept-duplicates"] == b"true"
        assert dict(each.headers)["worker-customer-exists"] == b"true"


@pytest.mark.parametrize("doubted", [dead(ReasonCode.OUTCOME_UNKNOWN), dead(headers=OF_A_DOUBT)])
async def test_a_doubt_that_is_sent_for_a_persons_word(doubted):
    """What is sent says that its customer may exist: the word ends that no more than a failure does."""
    topic = Topic()
    await replayed(topic, doubted, rules=ACCEPT)
    assert ACCEPTED[0] in topic.published[0].headers
    await replayed(topic, doubted, rules=LOOK_UP, finding=Absent())
    assert ACCEPTED[0] not in topic.published[1].headers


async def test_a_customer_whom_the_api_confirmed_and_a_look_up_finds():
    """It is told, and not sent."""
    made = dead(ReasonCode.OUTCOME_UNKNOWN, why=CONFIRMED)
    results, _ = await replayed(Topic(), made, rules=LOOK_UP, finding=Existing("2801"))
    assert results == [Found(letter(made), "2801")]


async def test_a_doubt_that_the_look_up_cannot_settle():
    """Only with a person's word, which goes with the record."""
    topic = Topic()
    (result,), _ = await replayed(topic, DOUBT, rules=LOOK_UP, finding=Unclear("2 customers were found"))
    assert isinstance(result, Left)
    assert "2 customers" in result.why
    rules = Rules("requests", RULES.requests, 3, accept_duplicates=True, look_up=True)
    await replayed(topic, DOUBT, rules=rules, finding=Unclear("2 customers were found"))
    assert dict(topic.published[0].headers)["worker-accept-duplicates"] == b"true"


async def test_a_doubt_for_which_duplicates_are_accepted():
    """The word goes with it, and with nothing else."""
    topic = Topic()
    await replayed(topic, DOUBT, dead(offset=8), rules=ACCEPT)
    accepted = ["worker-accept-duplicates" in dict(each.headers) for each in topic.published]
    assert accepted == [True, False]


def test_batches():
    """Bounded by count and by bytes; one record may be larger than that."""
    small, large = dead(value=b"x"), dead(value=b"x" * 3_000_000)
    assert [len(each) for each in batches([small] * 5, 2)] == [2, 2, 1]
    assert [len(each) for each in batches([large, large, small, large], 100)] == [1, 2, 1]
    assert list(batches([], 3)) == []


def test_a_letter_says_nothing_of_the_customer():
    """Neither key nor value nor the producer's headers."""
    told = str(letter(dead(value=b"jack@example.com", key=b"jack-key", headers=(("x-name", b"jack"),))).as_dict())
    assert "jack" not in told
    assert isinstance(letter(dead()), Letter)
