"""The mappings that the documentation shows, with what `validate` prints for them."""

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[1] / "deploy/docs/mapping.md"
INPUT = re.compile(r"^line \d+: input (.*)$", re.MULTILINE)
EXAMPLE = re.compile(r"### (?P<name>[^\n]+)\n.*?```toml\n(?P<file>.*?)```.*?```console\n(?P<printed>.*?)```", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Documented:
    """A mapping's file, and what is printed for the events that stand in it."""

    name: str
    file: str
    printed: str

    @property
    def events(self) -> list[str]:
        """Values, or whole records."""
        return INPUT.findall(self.printed)

    @property
    def of_records(self) -> bool:
        """Whether whole records are shown."""
        return '"payload": ' in self.events[0] and not self.events[0].startswith('{"schema"')


def documented() -> list[Documented]:
    """All of them, in their order."""
    return [Documented(*found.group("name", "file", "printed")) for found in EXAMPLE.finditer(PAGE.read_text())]
