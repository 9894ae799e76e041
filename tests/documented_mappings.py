"""The mappings in the documentation, with what `validate` prints for them there."""

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[1] / "deploy/docs/mapping.md"
INPUT = re.compile(r"^line \d+: input (.*)$", re.MULTILINE)
EXAMPLE = re.compile(r"### (?P<name>[^\n]+)\n.*?```toml\n(?P<file>.*?)```.*?```console\n(?P<printed>.*?)```", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Documented:
    """One documented example: the mapping file, and the output that is shown for its events."""

    name: str
    file: str
    printed: str

    @property
    def events(self) -> list[str]:
        """The example's events: values, or whole records."""
        return INPUT.findall(self.printed)

    @property
    def of_records(self) -> bool:
        """Whether the events are whole records."""
        return '"payload": ' in self.events[0] and not self.events[0].startswith('{"schema"')


def documented() -> list[Documented]:
    """All examples, in the order of the page."""
    return [Documented(*found.group("name", "file", "printed")) for found in EXAMPLE.finditer(PAGE.read_text())]
