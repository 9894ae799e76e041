"""What may be typed as the place where a group is to go on."""

import pytest
import typer

from worker.cli.offsets import where_of
from worker.tools.offsets import Moment


@pytest.mark.parametrize("typed", ["earliest", "latest"])
def test_an_end_of_the_log(typed):
    """By its name."""
    assert where_of(typed) == typed


def test_an_offset():
    """Digits alone are an offset."""
    assert where_of("12") == 12


def test_a_time():
    """An ISO time, of which the milliseconds count."""
    assert where_of("1970-01-01T00:00:01Z") == Moment(1000)


@pytest.mark.parametrize("typed", ["", "-1", "first", "2h7", pytest.param("9" * 5_000, id="digits")])
def test_what_is_none_of_them(typed):
    """The error says what may be typed."""
    with pytest.raises(typer.BadParameter, match="earliest, latest, an offset"):
        where_of(typed)
