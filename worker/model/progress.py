"""How far the group is in one partition, as it is stored for the partition's next reader."""

from dataclasses import dataclass

Spans = tuple[tuple[int, int], ...]
"""Spans of offsets: (first, end), the end left out."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Every record before `offset` has ended: its terminal event, if it has one, is published.

    The same is true of the spans in `published`, which lie above a record that has not ended.
    """

    offset: int
    published: Spans = ()
