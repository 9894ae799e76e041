"""A letter as lists need it: long texts from its headers are cut."""

from dataclasses import replace
from typing import Any

from worker.tools.dead_letters.letters import Letter

LONGEST = 1_024
TEXTS = (
    "topic",
    "event_source",
    "event_id",
    "message",
    "error_code",
    "first_seen",
    "failed_at",
    "version",
    "tool",
    "kind",
)


def brief(letter: Letter) -> Letter:
    """The letter with its texts cut, and without its violations, whose kinds the cause tells."""
    cut: dict[str, Any] = {name: text[:LONGEST] for name in TEXTS if len(text := getattr(letter, name) or "") > LONGEST}
    return replace(letter, violations=(), **cut)
