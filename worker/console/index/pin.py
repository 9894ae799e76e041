"""Up to where a list goes, as it stands in an address: what comes later moves nothing in it."""

import re
from collections.abc import Mapping

PINNED = re.compile(r"(?:[0-9]{1,6}-[0-9]{1,18}(?:\.|$))*")
LONGEST = 6_000


def pin(ends: Mapping[int, int]) -> str:
    """By partition the first offset that is not in the list."""
    return ".".join(f"{partition}-{end}" for partition, end in sorted(ends.items()) if end > 0) or "0-0"


def unpinned(text: str | None) -> dict[int, int] | None:
    """The same again; None where it is none."""
    if not text or len(text) > LONGEST or not PINNED.fullmatch(text) or text.endswith("."):
        return None
    parts = (each.partition("-") for each in text.split("."))
    return {int(partition): int(end) for partition, _, end in parts}
