"""Events as they stand in a file, and what becomes of a file that holds something else."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from worker.creation.pace import Pace
from worker.model.errors import KafkaUnavailable, StartupError, WorkerError
from worker.model.records import OutgoingMessage
from worker.tools.produce import produce
from worker.tools.reading.checking import check
from worker.tools.reading.event_file import STRUCTURED, Event, Form, Problem, read
from worker.tools.reading.key_path import key_path
from worker.tools.reading.record_file import read_record
from worker.tools.reading.twice import read_twice

Contents = Callable[..., list[Event | Problem]]


@dataclass
class FakePublisher:
    """Keeps what it is given; fails from the given number on."""

    breaks_at: int | None = None
    messages: list[OutgoingMessage] = field(default_factory=list)
    flushed: int = 0

    @property
    def unacknowledged(self) -> int:
        return len(self.messages) - self.flushed

    async def hand_over(self, message: OutgoingMessage) -> None:
        if len(self.messages) == self.breaks_at:
            raise KafkaUnavailable("no answer in time")
        self.messages.append(message)

    async def flush(self) -> None:
        self.flushed = len(self.messages)


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes], Path]:
    """Writes a file with that content."""

    def written(content: bytes) -> Path:
        path = tmp_path / "events"
        path.write_bytes(content)
        return path

    return written


File = Callable[[bytes], Path]


async def _read(path: Path, at: str | None = None, *, records: bool = False) -> list[Event | Problem]:
    with path.open("rb") as opened:
        return [event async for event in read(opened, Form(key_path(at) if at else None, 1000, records))]


async def test_ndjson(file: File) -> None:
    """Each line is an event, its bytes unchanged; empty lines are none."""
    seen = await _read(file(b'\n{"a": 1}\r\n\n{ "b":2 }'))
    assert seen == [Event(2, b'{"a": 1}'), Event(4, b'{ "b":2 }')]


async def test_structured_cloudevents(file: File) -> None:
    """They say what they are, and their key is the subject, or else the id."""
    lines = [b'{"specversion":"1.0","id":"i","subject":"s"}', b'{"specversion":"1.0","id":"i"}']
    first, second = await _read(file(b"\n".join(lines)))
    assert first == Event(1, lines[0], b"s", STRUCTURED)
    assert second == Event(2, lines[1], b"i", STRUCTURED)


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("data.pin", b"123"),
        ("data.name", "ä".encode()),
        ("id", b"i"),
        ("data.n", b"7"),
        ("data.list[0].of[1]", b"b"),
        ("data.list[-1].of[0][0]", b"c"),
    ],
)
async def test_key_path(file: File, path: str, key: bytes) -> None:
    """A text or a number at that place is the key, in a list too."""
    data = '{"pin":"123","name":"ä","n":7,"list":[{"of":["a","b"]},{"of":[["c"]]}]}'
    line = f'{{"specversion":"1.0","id":"i","subject":"s","data":{data}}}'
    assert await _read(file(line.encode()), path) == [Event(1, line.encode(), key, STRUCTURED)]


@pytest.mark.parametrize(
    "path",
    [
        *("data.none", "data.list", "data", "data.yes", "data.empty", "none.at.all", "data.a.b"),
        *("data.list[1]", "data.list[-2]", "data.list.a", "data[0]", "data.a[0]"),
    ],
)
async def test_no_key_at_the_path(file: File, path: str) -> None:
    """An event without the key would lose its order, so it is not published."""
    seen = await _read(file(b'{"data":{"list":[1],"yes":true,"empty":"","a":"x"}}\n{}'), path)
    assert seen == [Problem(line, f"no text or number at {path} (--key-path)") for line in (1, 2)]


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a..b", "a[", "a[]", "a[x]", "[0]", "a[0]b", "a]b"])
def test_no_path(text: str) -> None:
    """It is told before anything is read."""
    with pytest.raises(ValueError, match="is no path such as"):
        key_path(text)


async def test_records(file: File) -> None:
    """Key, headers and value as `kcat -J` prints them; a value that is null is a tombstone, JSON is its bytes."""
    lines = (
        '{"topic":"other","partition":3,"offset":7,"key":"k","headers":["ce_id","1","gone",null],"payload":"{}"}',
        '{"payload":null,"key":"k"}',
        '{"payload":{"a":[1]},"headers":{"ce_type":"t"}}',
        '{"payload":"no JSON","key":5}',
        '{"payload":{"pin":0.10,"n":12345678901234567890123},"key":1E2}',
        '{"payload":"{}","headers":{"n":0.10,"of":[0.10]}}',
        '{"payload":"{}","headers":["n",0.10]}',
    )
    assert await _read(file("\n".join(lines).encode()), records=True) == [
        Event(1, b"{}", b"k", (("ce_id", b"1"), ("gone", None))),
        Event(2, None, b"k"),
        Event(3, b'{"a":[1]}', None, (("ce_type", b"t"),)),
        Event(4, b"no JSON", b"5"),
        Event(5, b'{"pin":0.10,"n":12345678901234567890123}', b"1E2"),
        Event(6, b"{}", None, (("n", b"0.10"), ("of", b"[0.10]"))),
        Event(7, b"{}", None, (("n", b"0.10"),)),
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b'{"key":"k"}', "no JSON object with a payload"),
        (b"<customer/>", "not JSON, but --records"),
        (b'{"payload":"{}","headers":["s3cret"]}', "headers that are neither"),
        (b'{"payload":' + b"[" * 300 + b"]" * 300 + b"}", "nested deeper than 250 levels"),
        (b'{"payload":"{}","key":' + b"[" * 300 + b"]" * 300 + b"}", "nested deeper than 250 levels"),
        (b'{"payload":"{}","headers":{"a":' + b"[" * 300 + b"]" * 300 + b"}}", "nested deeper than 250 levels"),
        (b'{"payload":"' + b"s3cret" * 200 + b'"}', "larger than 1000 bytes"),
        (b'{"payload":"' + b"s3cret" * 200_000 + b'"}', "larger than 1000 bytes"),
    ],
)
async def test_line_that_is_no_record(file: File, line: bytes, told: str) -> None:
    """It is named by its number, never by its content."""
    problem = (await _read(file(b'{"payload":null}\n' + line), records=True))[-1]
    assert isinstance(problem, Problem)
    assert problem.line == 2
    assert told in problem.text
    assert "s3cret" not in str(problem)


@pytest.mark.parametrize("document", [b'{\n "a": 1,\n\n "b": 2\n}', b"<?xml version='1.0'?>\n<customer>\n</customer>"])
async def test_one_document(file: File, document: bytes) -> None:
    """A JSON or XML document over several lines is one event, unchanged."""
    assert await _read(file(b"\n" + document + b"\n")) == [Event(2, document)]


async def test_nothing(file: File) -> None:
    """An empty file holds no event."""
    assert await _read(file(b"\n\n")) == []


@pytest.mark.parametrize(
    ("content", "line", "told"),
    [
        (b'{"a":1}\n{"a": s3cret}\n{"a":2}', 2, "not JSON"),
        (b'{\n"a": 1,\n"b" s3cret\n}', 3, "not JSON"),
        (b"{}\n\xff\xfes3cret", 2, "UTF-8"),
        (b'{}\n["s3cret"]', 2, "not a JSON object"),
        (b'{}\n{"a":"' + b"s3cret" * 200 + b'"}', 2, "larger than 1000 bytes"),
        (b'{}\n{"a":"' + b"s3cret" * 50_000, 2, "larger than 1000 bytes"),
        (b"<customer>\n" + b"s3cret\n" * 50_000, 1, "larger than 1000 bytes"),
    ],
)
async def test_line_that_is_no_event(file: File, content: bytes, line: int, told: str) -> None:
    """It is named by its number, never by its content."""
    problem = next(each for each in await _read(file(content)) if isinstance(each, Problem))
    assert problem.line == line
    assert told in str(problem)
    assert "s3cret" not in str(problem)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize(("size", "fits"), [(998, True), (999, True), (1000, True), (1001, False), (5000, False)])
async def test_an_event_of_about_the_limit(file: File, end: bytes, place: int, size: int, fits: bool) -> None:  # noqa: FBT001  parametrized
    """Nothing that stands behind it is left out, and its end is no part of it."""
    large = b'{"a":"' + b"x" * (size - 8) + b'"}'
    lines = [b'{"id":"1"}', b'{"id":"2"}']
    seen = await _read(file(end.join([*lines[:place], large, *lines[place:]]) + end))
    told = Event(place + 1, large) if fits else Problem(place + 1, "larger than 1000 bytes")
    others = [Event(number, line) for number, line in zip([n for n in (1, 2, 3) if n != place + 1], lines, strict=True)]
    assert seen == sorted([told, *others], key=lambda each: each.line)


@pytest.mark.parametrize("payload", [b'"{}"', b"{}"])
def test_a_topic_that_is_no_text(payload: bytes) -> None:
    """It names none, whatever the payload is."""
    assert read_record(b'{"topic":5,"payload":' + payload + b"}", 1, "requests").topic == "requests"


LINE_LIMIT = Form(None, 1000, records=True).line_limit


@pytest.mark.parametrize("size", [LINE_LIMIT - 1, LINE_LIMIT, LINE_LIMIT + 1, LINE_LIMIT + 2, LINE_LIMIT + 100_000])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
async def test_a_record_whose_line_is_of_about_the_limit(file: File, size: int, end: bytes) -> None:
    """What stands behind it is read, or it is told that it is not."""
    line = b'{"payload":"{}","key":"' + b"k" * (size - 25) + b'"}'
    seen = await _read(file(line + end + b'{"payload":null}' + end), records=True)
    if size <= LINE_LIMIT:
        assert seen[1:] == [Event(2, None)]
    assert isinstance(seen[0], Problem) == (size > LINE_LIMIT)


@pytest.mark.parametrize("limit", [0, 1, 2])
async def test_a_document_of_about_the_limit(file: File, limit: int) -> None:
    """Empty lines behind it are nothing of it; whatever else stands there is, and is not left out unsaid."""
    document = b'{\n "a": "' + b"x" * (1000 - 12 - limit) + b'"\n}'
    assert len(document) == 1000 - limit
    assert await _read(file(document + b"\n" * 3000)) == [Event(1, document)]
    (problem,) = await _read(file(document + b"\n" * 3000 + b"{}"))
    assert problem == Problem(1, "larger than 1000 bytes")


async def test_a_blank_that_is_too_long_to_be_read(file: File) -> None:
    """Nobody knows what stands behind it."""
    seen = await _read(file(b"{}\n" + b" " * 200_000 + b"\n{}"))
    assert seen == [Event(1, b"{}"), Problem(2, "larger than 1000 bytes")]


async def test_pipe() -> None:
    """What is written into a pipe is read as it comes, also when a line comes in two parts."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as source, os.fdopen(writing, "wb", buffering=0) as sink:
        sink.write(b'{"a":1}\n{"b"')
        events = read(source)
        assert await anext(events) == Event(1, b'{"a":1}')
        sink.write(b":2}\n")
        assert await anext(events) == Event(2, b'{"b":2}')
        sink.close()
        assert [event async for event in events] == []


async def test_all_is_checked_first(file: File) -> None:
    """Every line that cannot be published is told, up to some; one that Kafka would not take, too."""
    with file(b'{"id":"1"}\n{}\n[]\n{"id":"' + b"x" * 300 + b'"}').open("rb") as opened:
        checked = await check(read(opened, Form(key_path("id"))), "requests", 400)
    assert str(checked).splitlines() == [
        "line 2: no text or number at id (--key-path)",
        "line 3: not a JSON object",
        "line 4: larger than 400 bytes, which is what requests takes",
        "nothing was published: 3 of 4 events cannot be",
    ]


async def test_more_problems_than_are_told(file: File) -> None:
    """The rest is counted."""
    with file(b"[]\n" * 30).open("rb") as opened:
        checked = await check(read(opened), "requests", 400)
    told = str(checked).splitlines()
    assert told[19:] == [
        "line 20: not a JSON object",
        "and 10 more",
        "nothing was published: 30 of 30 events cannot be",
    ]


async def test_nothing_wrong(file: File) -> None:
    """Then the file is read once more, from where it began."""
    with file(b"skipped\n{}\n{}").open("rb") as opened:
        opened.seek(8)
        async with read_twice(opened) as twice:
            assert twice.size == 5
            assert (await check(read(twice.again()), "requests", 400)).problems == 0
            assert [event async for event in read(twice.again())] == [Event(1, b"{}"), Event(2, b"{}")]


async def test_a_pipe_that_is_read_twice() -> None:
    """What came is kept until it is published."""
    reading, writing = os.pipe()
    os.write(writing, b'{"a":1}\n{"b":2}')
    os.close(writing)
    with os.fdopen(reading, "rb") as source:
        async with read_twice(source) as twice:
            for _ in range(2):
                assert [event async for event in read(twice.again())] == [Event(1, b'{"a":1}'), Event(2, b'{"b":2}')]


async def test_published(file: File) -> None:
    """All in order, all acknowledged, and each was told to the progress bar."""
    publisher, told = FakePublisher(), list[int]()
    with file(b'{"specversion":"1.0","id":"1"}\n{"a":2}').open("rb") as opened:
        done = await produce(read(opened), publisher, "requests", advance=told.append)
    assert publisher.messages == [
        OutgoingMessage("requests", b"1", b'{"specversion":"1.0","id":"1"}', STRUCTURED),
        OutgoingMessage("requests", None, b'{"a":2}'),
    ]
    assert publisher.flushed == 2
    assert (done.events, done.size, done.problem, done.unknown) == (2, sum(told), None, 0)
    assert str(done).startswith("2 published to requests, 37 bytes, ")


async def test_problem_in_the_middle(file: File) -> None:
    """What stands before it is published and acknowledged, nothing after it; the end says so."""
    publisher = FakePublisher()
    with file(b"{}\n{}\n[]\n{}").open("rb") as opened:
        done = await produce(read(opened), publisher, "requests")
    assert publisher.flushed == 2
    assert done.problem == Problem(3, "not a JSON object")
    assert str(done).startswith("line 3: not a JSON object; stopped before it: 2 published")


async def test_kafka_lost_on_the_way(file: File) -> None:
    """The line is told, and of how many before it nobody knows."""
    with file(b"{}\n{}\n{}").open("rb") as opened:
        done = await produce(read(opened), FakePublisher(breaks_at=2), "requests")
    assert done.problem == Problem(3, "no answer in time")
    assert str(done).endswith("the last 2 perhaps not")


async def test_interrupted(file: File) -> None:
    """How far it came is told, so that nothing of it is published again."""
    publisher = FakePublisher()
    with file(b"{}\n{}\n{}").open("rb") as opened:
        publishing = asyncio.create_task(produce(read(opened), publisher, "requests", rate=0.001))
        while not publisher.messages:
            await asyncio.sleep(0)
        publishing.cancel()
        done = await publishing
    assert done.problem == Problem(2, "interrupted")
    assert str(done).startswith("line 2: interrupted; stopped before it: 1 published")
    assert str(done).endswith("the last 1 perhaps not")


@pytest.mark.parametrize("error", [KafkaUnavailable, StartupError])
async def test_lost_behind_the_last_event(
    error: type[WorkerError], file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of them is said to be left, whether Kafka does not answer or refuses one."""

    async def flush(_: FakePublisher) -> None:
        raise error("no such luck")

    monkeypatch.setattr(FakePublisher, "flush", flush)
    with file(b"{}\n{}").open("rb") as opened:
        done = await produce(read(opened), FakePublisher(), "requests")
    assert (done.problem, done.events, done.unknown) == (Problem(3, "no such luck"), 2, 2)


async def test_refused_on_the_way(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line is told, and how many before it may not be there, though those cannot be waited for either."""
    publisher = FakePublisher()

    async def hand_over(message: OutgoingMessage) -> None:
        if len(publisher.messages) == 2:
            raise StartupError("refused")
        publisher.messages.append(message)

    async def flush() -> None:
        raise StartupError("refused, too")

    monkeypatch.setattr(publisher, "hand_over", hand_over)
    monkeypatch.setattr(publisher, "flush", flush)
    with file(b"{}\n{}\n{}").open("rb") as opened:
        done = await produce(read(opened), publisher, "requests")
    assert (done.problem, done.events, done.unknown) == (Problem(3, "refused"), 2, 2)


async def test_rate(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    """The n-th event waits for its turn; a pause of the file's is not made up for by a burst."""
    now, waits = [0.0], list[float]()

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds + (10 if len(waits) == 2 else 0)

    monkeypatch.setattr("worker.tools.produce._wait", wait)
    monkeypatch.setattr("worker.tools.produce.Pace", lambda rate: Pace(rate, lambda: now[0]))
    with file(b"{}\n{}\n{}\n{}").open("rb") as opened:
        await produce(read(opened), FakePublisher(), "requests", rate=10)
    assert waits == pytest.approx([0.0, 0.1, 0.0, 0.1])
