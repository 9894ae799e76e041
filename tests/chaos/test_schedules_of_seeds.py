"""What a seed draws, and what the gate makes of the bytes that go through it."""

from collections import Counter

import pytest
from chaos.api_troubles import FAULTS
from chaos.faults.every import EVERY
from chaos.gate import Call, Passage
from chaos.stream import BURST, WEIGHTS, Item, items, trace
from chaos.troubles import OF_API, OF_FAULTS, Trouble, drawn

from worker.events.decode import Decoder
from worker.model.commands import CreateCustomer, Unusable
from worker.model.records import Record
from worker.sandbox.api import Fault

TRACE = trace("event", 1)
REQUEST = f"POST /x HTTP/1.1\r\nContent-Length: 2\r\ntraceparent: 00-{TRACE}-00f067aa0ba902b7-01\r\n\r\n{{}}".encode()
ANSWER = b"HTTP/1.1 201 Created\r\nLocation: /customer/1\r\n\r\n"


def test_the_same_seed():
    """Schedule and stream are the same again; another seed's are not."""
    assert (drawn(5), list(items(5, 300, 8))) == (drawn(5), list(items(5, 300, 8)))
    assert drawn(5) != drawn(6)


def test_fifty_seeds():
    """Together they have every trouble, with and without a look-up, of few and many keys."""
    seeds = [drawn(seed) for seed in range(1, 51)]
    assert {step.trouble for seed in seeds for step in seed.steps} == set(Trouble)
    assert {(seed.look_up, seed.keys > 1000, seed.workers) for seed in seeds} >= {
        (look_up, many, workers) for look_up in (True, False) for many in (True, False) for workers in (1, 2, 3)
    }


def test_narrowed():
    """`only` and `steps` say what is drawn and how much."""
    seed = drawn(1, only=[Trouble.KILL], steps=56)
    assert {step.trouble for step in seed.steps} == {Trouble.KILL}
    assert len(seed.steps) == 56
    without = drawn(1, without=OF_FAULTS)
    assert not without.has(OF_FAULTS)
    assert without.again.startswith('tests/chaos/run --seed 1 --events 2000 --without "api redirects,')


def test_every_fault():
    """Each of those that need a class has one."""
    assert set(EVERY) == OF_FAULTS


@pytest.mark.parametrize("trouble", sorted(OF_API - {Trouble.REFUSE}))
def test_a_trouble_of_the_api(trouble):
    """Each is made of faults that the sandbox knows."""
    assert [Fault.model_validate(each) for each in FAULTS[trouble]]


def test_a_stream():
    """Every content is in it, is understood by the worker as it is meant, and repeats share event and key."""
    stream = list(items(3, 1500, 40))
    decode = Decoder()
    for item in stream:
        decoded = decode(Record("requests", item.partition, 0, 0, item.key, item.value, item.headers))
        if isinstance(decoded, CreateCustomer):
            assert item.content.is_sent
            assert decoded.request.traceparent == f"00-{item.trace}-00f067aa0ba902b7-01"
        else:
            assert isinstance(decoded, Unusable)
            assert decoded.reason.code == item.content.value
    first: dict[str, Item] = {}
    for item in stream:
        known = first.setdefault(item.event, item)
        assert (item.key, item.partition, item.content) == (known.key, known.partition, known.content)
    assert len(first) < len(stream)
    assert {item.content for item in stream} == set(WEIGHTS)
    assert max(Counter(item.event for item in stream).values()) > BURST
    assert len({item.trace for item in stream}) == len(stream)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_passage(size):
    """Calls are known by their traces and their answers, however the bytes are cut."""
    calls: list[Call] = []
    passage = Passage(calls)
    for _ in range(2):
        for data, look in ((REQUEST, passage.asked), (ANSWER, passage.said)):
            for start in range(0, len(data), size):
                look(data[start : start + size])
    assert [(call.trace, call.status, call.located, call.answered is None) for call in calls] == [
        (TRACE, 201, True, False)
    ] * 2


def test_a_passage_without_an_answer():
    """A head that is not whole is none; what else goes through is no call."""
    calls: list[Call] = []
    passage = Passage(calls)
    passage.asked(b"POST /login HTTP/1.1\r\n\r\n")
    passage.said(b"HTTP/1.1 204 No Content\r\n\r\n")
    passage.asked(REQUEST)
    passage.said(ANSWER[:-1])
    assert [(call.trace, call.status, call.answered) for call in calls] == [(TRACE, None, None)]


def test_a_place_that_leads_nowhere():
    """Such an answer does not tell which customer was created."""
    calls: list[Call] = []
    passage = Passage(calls)
    passage.asked(REQUEST)
    passage.said(ANSWER.replace(b"/customer/1", b"http://[not-a-place"))
    assert [(call.status, call.located) for call in calls] == [(201, False)]
