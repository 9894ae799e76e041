"""What is told of one dead letter, as far as nothing but its record is asked for."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from letters_of import BINARY, ORIGINAL, There, letter_of

from worker import wiring
from worker.model.records import Record
from worker.settings.settings import Settings
from worker.tools.dead_letters import show
from worker.tools.dead_letters.filters import Filter
from worker.tools.dead_letters.letters import letter
from worker.tools.dead_letters.received import NAMELESS
from worker.tools.dead_letters.replay import FOREIGN, GONE
from worker.tools.dead_letters.shown import Shown
from worker.tools.dead_letters.topic import Topics

ELSEWHERE = replace(ORIGINAL, topic="others")
ADDED = replace(ORIGINAL, partition=3)
NAMED_BY_NOBODY = Record("dead", 0, 17, 2_000, b"k", b"v", (*BINARY, ("worker-reason", b"rejected")))


async def test_an_event_with_older_letters(monkeypatch, capsys):
    """The command that lists them is whole; the event's id, which others chose, is one word in it."""
    newest = replace(letter(letter_of(ORIGINAL)), event_id="a b;\x1b")

    class Found:
        async def newest(self, wanted, limit):
            for _ in range(limit):
                yield newest

    async def topics(*_):
        return Found()

    async def told(**_):
        return {"partition": 0, "offset": 17}

    monkeypatch.setattr(show, "topics", topics)
    monkeypatch.setattr(show, "Shown", lambda *_: SimpleNamespace(told=told))
    assert await show.show(Settings(), Filter(), payload=False, as_json=True) == 0
    command = "customer-worker dead-letters list --event-id 'a b;\ufffd'"
    assert capsys.readouterr().err == f"there are older ones of this event: {command}\n"


@pytest.mark.parametrize(
    ("record", "there", "why"),
    [
        (letter_of(ORIGINAL), (), None),
        (letter_of(ORIGINAL, "omitted"), (ORIGINAL,), None),
        (letter_of(ORIGINAL, "place"), (ORIGINAL,), None),
        (letter_of(ORIGINAL, "omitted"), (), GONE),
        (letter_of(ELSEWHERE), (), "its record is of another topic than customer.create.requests"),
        (letter_of(ADDED), (), None),
        (letter_of(ADDED, "omitted"), (), GONE),
        (NAMED_BY_NOBODY, (), NAMELESS),
        (replace(letter_of(ORIGINAL), headers=BINARY), (), FOREIGN),
    ],
)
async def test_whether_it_would_be_valid_today(record, there, why, monkeypatch):
    """A letter that has all of its record says so by itself, and of every other it is told what is lacking."""
    monkeypatch.setattr("worker.tools.dead_letters.received.places", There(*there))
    settings = Settings()
    found = Topics(wiring.plan(settings), wiring.connection(settings), dead_letters=4, requests=1)
    shown = Shown(settings, found, letter(record))
    today = await shown.today(await shown.whole(record))
    assert (today["valid"], today.get("why")) == ((None, why) if why else (True, None))
