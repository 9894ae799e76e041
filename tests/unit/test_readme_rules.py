"""What the README says of events, held against the model."""

import re
from pathlib import Path

from builders import record

from worker.customer.table import markdown
from worker.events.decode import Decoder
from worker.model.commands import CreateCustomer

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_rules_table() -> None:
    """It is what `worker.customer.table.markdown()` says."""
    [written] = re.findall(r"<!-- rules -->\n(.*?)\n<!-- /rules -->", README, re.DOTALL)
    assert written == markdown()


def test_events() -> None:
    """Every event shown is one that the worker takes."""
    section = README.partition("\n## Events\n")[2].partition("\n### Rules")[0]
    shown = re.findall(r"```json\n(.*?)```", section, re.DOTALL)
    assert len(shown) >= 3
    assert all(isinstance(Decoder()(record(event.encode())), CreateCustomer) for event in shown)
