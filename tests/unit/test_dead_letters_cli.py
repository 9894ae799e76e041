"""What `dead-letters` refuses before it asks Kafka for anything."""

import pytest
from typer.testing import CliRunner

from worker.cli import app


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["replay"], "--all"),
        (["replay", "--yes"], "--all"),
        (["list", "--reason", "bored"], "foreign"),
        (["list", "--since", "5x"], "2h"),
        (["replay", "--all", "--rate", "0"], "--rate"),
        (["list", "--limit", "0"], "--limit"),
        (["show"], "letter"),
        (["resolve", "0@1"], "--customer-id"),
        (["resolve", "e-1", "--customer-id", "2801"], "PARTITION@OFFSET"),
        (["resolve", "0@1", "--customer-id", "../2801"], "an id has a digit"),
        (["resolve", "0@1", "--customer-id", "customer"], "an id has a digit"),
        (["resolve", "0@1", "--customer-id", "2801", "--customer-type", "robot"], "individual"),
    ],
)
def test_what_is_asked_wrongly(arguments, why):
    """The exit code is 2, and the line says what may be asked."""
    result = CliRunner().invoke(app, ["dead-letters", *arguments], env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert why in result.output
