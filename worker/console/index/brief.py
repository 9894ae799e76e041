"""A letter as a list needs it: whatever somebody wrote into its headers takes bounded room."""

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
    """Without its broken rules, of which its cause tells the kinds."""
    cut: dict[str, Any] = {name: text[:LONGEST] for name in TEXTS if len(text := getattr(letter, name) or "") > LONGEST}
    return replace(letter, violations=(), **cut)
