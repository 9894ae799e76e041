"""What is written beside a committed offset is what is read there, whoever has written it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.kafka.committed_note import MOST, Note, read_note

PLACES = st.sets(st.integers(0, 2**50), max_size=200).map(sorted)


def spans(places):
    return tuple(zip(places[::2], places[1::2], strict=False))


@given(st.integers(0, 10**9 - 1), PLACES.map(spans), st.integers(0, MOST))
def test_any_note(began_with, published, most):
    """It says no more than it was given, and the first of it, in no more bytes than it may have."""
    text = Note(began_with, published).encode(max(most, 22))
    assert len(text.encode()) <= max(most, 22)
    read = read_note(text)
    assert (read.began_with, read.published) == (began_with, published[: len(read.published)])


@given(PLACES.map(spans))
def test_all_of_it_where_there_is_room(published):
    assert read_note(Note(6, published).encode(10**6)) == Note(6, published)


def test_a_thousand_gaps():
    """As many as stand behind one record in doubt fit."""
    published = tuple((10**9 + 10 * each + 1, 10**9 + 10 * each + 10) for each in range(1_000))
    assert read_note(Note(600, published).encode()) == Note(600, published)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "of another tool",
        "began-with=",
        "began-with=6;published=!",
        "published=_w",
        "published=AAAA",
        "published=gA",
    ],
)
def test_what_is_none_of_ours(text):
    """Nothing is taken from it."""
    assert read_note(text) == Note()


@given(st.text(max_size=40))
def test_any_text(text):
    """Whatever stands there, spans ascend and none is empty."""
    places = [place for span in read_note(text).published for place in span]
    assert places == sorted(set(places)) or all(first < end for first, end in read_note(text).published)


def test_a_note_of_the_version_before():
    """It has no spans."""
    assert read_note("began-with=6") == Note(6)
    assert Note(6).encode() == "began-with=6"
