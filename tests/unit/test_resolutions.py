"""Which doubts a person has ended, as the request topic tells, and what a replay and a list make of it."""

from dataclasses import replace

import orjson
import pytest
from letters_of import BINARY, EVENT, ORIGINAL, RESULTS, There, letter_of

from worker import wiring
from worker.events.confirmation import encode_confirmation
from worker.events.results import Results
from worker.model.commands import ConfirmCustomer, Request
from worker.model.errors import WorkerError
from worker.model.outcomes import Failed, Reason, ReasonCode
from worker.model.records import Record
from worker.settings.settings import Settings
from worker.tools.dead_letters.letters import Letter, letter
from worker.tools.dead_letters.listing import print_letters
from worker.tools.dead_letters.replay import RESOLVED, Rules
from worker.tools.dead_letters.replaying import Replaying
from worker.tools.dead_letters.resolutions import Resolution, Resolutions
from worker.tools.dead_letters.resolve import Doubt, Doubts
from worker.tools.dead_letters.results import Left, Replayed
from worker.tools.dead_letters.topic import Topics
from worker.tools.reading.place import Place
from worker.tools.reading.place_set import PlaceSet

SAID = encode_confirmation(ConfirmCustomer(EVENT, "2801", "individual"))
MARK = (("worker-resolves", b"0@7"),)


def doubt(offset=7, event=("urn:shop", "e-1"), reason=ReasonCode.OUTCOME_UNKNOWN):
    source, name = event or (None, None)
    return Letter(Place(0, 17), 2_000, reason, "requests", Place(0, offset), 1_000, source, name, "why")


def confirmation(value=SAID, headers=MARK, *, partition=0, offset=9):
    return Record("requests", partition, offset, 1_000, b"k", value, headers)


def told(*records):
    resolutions = Resolutions()
    for each in records:
        resolutions.add(each)
    return resolutions


FOUND = Resolution(Place(0, 9), "2801")


@pytest.mark.parametrize(
    ("record", "letter", "found"),
    [
        (confirmation(), doubt(), FOUND),
        (confirmation(), doubt(offset=8), FOUND),
        (confirmation(), doubt(event=None), FOUND),
        (confirmation(headers=()), doubt(), FOUND),
        (confirmation(headers=()), doubt(event=None), None),
        (confirmation(), doubt(8, ("urn:shop", "e-2")), None),
        (confirmation(partition=1), doubt(7, event=None), None),
        (confirmation(), doubt(reason=ReasonCode.REJECTED), None),
        (confirmation(b"no json"), doubt(), Resolution(Place(0, 9))),
        (confirmation(b'{"a": "customer.create.confirmed.v1"}', ()), doubt(), None),
        (confirmation(b"customer.create.confirmed.v1", ()), doubt(), None),
        (confirmation(None, (("worker-resolves", None),)), doubt(), None),
        (confirmation(b"{}", ()), doubt(), None),
    ],
)
def test_whose_doubt_is_ended(record, letter, found):
    """By its event, or by the place that the confirmation names; whatever else stands in the topic ends nothing."""
    assert told(record).of(letter) == found


def test_a_confirmation_after_another():
    """The newest one is told."""
    assert told(confirmation(), confirmation(offset=12)).of(doubt()) == Resolution(Place(0, 12), "2801")


async def test_a_replay_of_a_doubt_that_is_ended():
    """It is left, whoever accepts duplicates; another one is not."""
    results = Results("crm", "ok", "failed", "dead", "group")

    async def given():
        yield [
            results.dead_letter(
                Failed(Reason(ReasonCode.OUTCOME_UNKNOWN, "why"), 1),
                Record("requests", 0, offset, 1_000, b"k", b"v"),
                Request("urn:shop", f"e-{offset}"),
                0.0,
            )
            for offset in (1, 2)
        ]

    async def records():
        async for some in given():
            yield [Record("dead", 0, 5 + n, 2_000, each.key, each.value, each.headers) for n, each in enumerate(some)]

    async def original(_):
        raise AssertionError

    rules = Rules("requests", {0: (0, 100)}, 3, accept_duplicates=True)
    replaying = Replaying(rules, PlaceSet({0: (0, 100)}), original, resolved=told(confirmation(headers=())))
    replayed, left = [each async for batch in replaying.batches(records()) for each in batch]
    assert isinstance(replayed, Replayed)
    assert replayed.letter.event_id == "e-2"
    assert isinstance(left, Left)
    assert (left.letter.event_id, left.why) == ("e-1", RESOLVED)


def test_a_list(capsys):
    """Both forms say where it was ended."""
    letters = [told(confirmation()).marked(each) for each in (doubt(), doubt(8, ("urn:shop", "e-2")))]
    print_letters(letters, as_json=True)
    print_letters(letters, as_json=False)
    *documents, ended, other = capsys.readouterr().out.splitlines()
    assert [orjson.loads(each).get("resolvedAs") for each in documents] == ["0@9", None]
    assert ended.endswith("resolved as 0@9; why")
    assert other.endswith("\twhy")


def test_a_list_of_doubts_of_another_reason(capsys):
    """The reason tells of the last call alone; both forms say that the customer may exist all the same."""
    certain = doubt(reason=ReasonCode.REJECTED)
    letters = [certain, replace(certain, perhaps=True)]
    print_letters(letters, as_json=True)
    print_letters(letters, as_json=False)
    *documents, other, doubted = capsys.readouterr().out.splitlines()
    assert [orjson.loads(each).get("customerMayExist") for each in documents] == [None, True]
    assert other.endswith("\twhy")
    assert doubted.endswith("\tits customer may exist; why")


def test_what_is_published():
    """In the doubt's partition, under its key, and it is found again as what ended it."""
    ends = Doubt(doubt(), Place(3, 7), b"k", EVENT, "group")
    message = ends.message(ends.confirmed("2801", None), "requests")
    assert (message.topic, message.key, message.partition) == ("requests", b"k", 3)
    assert dict(message.headers)["content-type"] == b"application/cloudevents+json"
    stored = Record("requests", 3, 9, 0, message.key, message.value, message.headers)
    assert told(stored).of(doubt()) == Resolution(Place(3, 9), "2801")


@pytest.mark.parametrize(
    ("form", "there", "key", "kind"),
    [
        ("whole", (), b"k", "individual"),
        ("omitted", (ORIGINAL,), b"k", "individual"),
        ("omitted", (), b"k", None),
        ("place", (ORIGINAL,), b"k", "individual"),
        ("place", (), None, None),
        ("place", (replace(ORIGINAL, timestamp=1_001),), None, None),
    ],
)
async def test_a_doubt_of_each_form(form, there, key, kind, monkeypatch):
    """What the letter has not is read at its record's place, as a replay does: key, headers and value."""
    monkeypatch.setattr("worker.tools.dead_letters.received.places", There(*there))
    settings, record = Settings(), letter_of(ORIGINAL, form)
    found = Topics(wiring.plan(settings), wiring.connection(settings), dead_letters=1, requests=1)
    ended = await Doubts(settings, found)._doubt(letter(record), record)
    assert (ended.key, ended.kind, ended.request.source, ended.request.id) == (key, kind, "urn:shop", "e-1")
    assert ended.request.subject == ("s-1" if kind else None)


@pytest.mark.parametrize("reason", [ReasonCode.REJECTED, ReasonCode.OUTCOME_UNKNOWN])
async def test_a_customer_whom_the_api_confirmed(reason):
    """A person may tell which one it is, whatever the replay of its record came to."""
    settings, marks = Settings(), (("worker-replay-of", b"0@1"), ("worker-customer-exists", b"true"))
    again = replace(ORIGINAL, headers=(*BINARY, *marks))
    message = RESULTS.dead_letter(Failed(Reason(reason, "why"), 1), again, EVENT, 0.0)
    record = Record("dead", 0, 17, 2_000, message.key, message.value, message.headers)
    found = Topics(wiring.plan(settings), wiring.connection(settings), dead_letters=1, requests=1)
    assert (await Doubts(settings, found)._doubt(letter(record), record)).kind == "individual"
    assert told(confirmation()).of(letter(record)) == FOUND


@pytest.mark.parametrize(
    ("known", "said", "kind"),
    [("group", None, "group"), ("group", "group", "group"), (None, "individual", "individual")],
)
def test_the_type_of_the_customer(known, said, kind):
    """The payload tells it, or a person where that is gone."""
    assert Doubt(doubt(), Place(0, 7), None, EVENT, known).confirmed("1", said).customer_type == kind


@pytest.mark.parametrize(("known", "said", "why"), [(None, None, "--customer-type"), ("group", "individual", "group")])
def test_a_type_that_nobody_knows(known, said, why):
    """Nothing is made up, and nobody is believed against the payload."""
    with pytest.raises(WorkerError, match=why):
        Doubt(doubt(), Place(0, 7), None, EVENT, known).confirmed("1", said)
