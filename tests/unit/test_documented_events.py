"""What the documentation says of events, held against the model."""

import re
from pathlib import Path

import jsonschema
import orjson
import pytest
from builders import record

from worker.events.decode import Decoder
from worker.events.schema import events_schema
from worker.model.commands import CreateCustomer

ROOT = Path(__file__).parents[2]
EVENTS = (ROOT / "deploy/docs/events.md").read_text()


def shown(section: str) -> list[str]:
    """The JSON documents of that section."""
    text = EVENTS.split(f"\n## {section}\n")[1].split("\n## ")[0]
    return re.findall(r"```json\n(.*?)```", text, re.DOTALL)


def test_requests() -> None:
    """Every event shown is one that the worker takes, the README's as well."""
    requests = [*shown("Requests"), *re.findall(r"```json\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)]
    assert len(requests) >= 4
    assert all(isinstance(Decoder()(record(event.encode())), CreateCustomer) for event in requests)


@pytest.mark.parametrize("event", shown("Results") + shown("A confirmation"))
def test_results(event: str) -> None:
    """Each shown is as the schema has it that the worker prints."""
    jsonschema.validate(orjson.loads(event), events_schema())


def test_results_are_shown() -> None:
    """One of each type."""
    assert {orjson.loads(event)["type"].split(".")[2] for event in shown("Results")} == {"succeeded", "failed"}
