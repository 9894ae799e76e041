"""Tables, colours and bars on a terminal; no text in them can act on the terminal, as in `worker.terminal.text`."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.segment import Segment

from worker.terminal.text import lines


class PlainConsole(Console):
    """A console that makes each text plain right before it is written; rich's own control codes are kept.

    No text is read as markup: styles are given as objects (`rich.text.Text`).
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401  rich's own
        super().__init__(markup=False, emoji=False, **options)

    def _render_buffer(self, buffer: Iterable[Segment]) -> str:
        """Called by rich: all of its output goes through this method."""
        made = (each if each.control else Segment(lines(each.text), each.style) for each in buffer)
        return super()._render_buffer(made)
