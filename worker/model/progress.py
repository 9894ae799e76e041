"""How far the group is in one partition, as it is stored for whoever reads it next."""

from dataclasses import dataclass

Spans = tuple[tuple[int, int], ...]
"""Offsets: (first, end), the end left out."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Every record before `offset` has ended.

    So have those of `published`, which stand behind one that has not: their terminal events are published.
    """

    offset: int
    published: Spans = ()
