"""Tables, colours and bars on a terminal, with the same promise as `worker.terminal.text`."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.segment import Segment

from worker.terminal.text import lines


class PlainConsole(Console):
    """Every piece of text is made plain right before it is written; what rich writes itself comes through.

    A text is no markup either, wherever it stands: a style is given as one (`rich.text.Text`).
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401  rich's own
        super().__init__(markup=False, emoji=False, **options)

    def _render_buffer(self, buffer: Iterable[Segment]) -> str:
        """The one place through which all of rich's output goes."""
        made = (each if each.control else Segment(lines(each.text), each.style) for each in buffer)
        return super()._render_buffer(made)
