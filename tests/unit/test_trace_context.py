"""The trace context: what is passed on, and what is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.events.trace_context import MAX_STATE, is_state, trace_context

PARENT = f"00-{'a' * 32}-{'b' * 16}-01"
KEYS = st.from_regex(r"[a-z0-9][a-z0-9_\-*/@]{0,12}", fullmatch=True)
VALUES = st.from_regex(r"[ !-+\--<>-~]{0,12}[!-+\--<>-~]", fullmatch=True)


@given(st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=15, unique_by=lambda each: each[0]))
def test_a_state_of_the_recommendation(members):
    """It is passed on as it is."""
    state = " , ".join(f"{key}={value}" for key, value in members)
    assert trace_context({"traceparent": PARENT}, {"tracestate": state}) == (
        PARENT,
        state if len(state) <= 512 else None,
    )


BAD = {
    "empty": "",
    "only commas": " , ,",
    "no value": "a=",
    "no key": "=1",
    "no equals sign": "a",
    "an upper-case key": "A=1",
    "two equals signs": "a=1=2",
    "a line break": "a=1\r\nX-Admin: 1",
    "beyond ASCII": "a=é",
    "one key twice": "a=1,b=2,a=3",
    "too many members": ",".join(f"k{number}=1" for number in range(33)),
    "too long": "a=" + "x" * MAX_STATE,
    "a member that is malformed": "a=1,b",
}


@pytest.mark.parametrize("state", BAD.values(), ids=BAD)
def test_a_malformed_state(state):
    """It is not passed on; its parent is."""
    assert not is_state(state)
    assert trace_context({}, {"traceparent": PARENT, "tracestate": state}) == (PARENT, None)


def test_a_state_without_its_parent():
    """It says nothing."""
    assert trace_context({}, {"tracestate": "a=1"}) == (None, None)


def test_extensions_before_headers():
    """The event's own words count."""
    headers = {"traceparent": PARENT, "tracestate": "b=2"}
    other = PARENT.replace("a", "c")
    assert trace_context({"traceparent": other, "tracestate": "a=1"}, headers) == (other, "a=1")
    assert trace_context({"traceparent": 5}, headers) == (None, None)


def test_an_extension_that_is_null():
    """It is not set, as CloudEvents has it, so that the header counts."""
    headers = {"traceparent": PARENT, "tracestate": "b=2"}
    assert trace_context({"traceparent": None, "tracestate": None}, headers) == (PARENT, "b=2")
