"""Maps somebody else's events to ours: a file of JMESPath expressions, in bounded time and memory (docs: mapping)."""

from worker.events.mapping.file import load_mapping
from worker.events.mapping.mapping import EventMapping, Mapped, Passed, Seen

__all__ = ["EventMapping", "Mapped", "Passed", "Seen", "load_mapping"]
