"""A request that the guard has admitted, as the pages see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from worker.console.sources import Sources
from worker.console.web.rights import Who


@dataclass(frozen=True, slots=True)
class Asked:
    """The request. `parts` are those of the path, `query` is the address's (all values of a name, in order).

    `form` is what was posted. All values are texts that somebody else wrote.
    """

    path: str
    who: Who
    sources: Sources
    prefix: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, list[str]] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)

    def one(self, name: str) -> str | None:
        """The last value of that name in the address; None where it is missing or empty."""
        return (self.query.get(name) or [""])[-1].strip() or None

    def link(self, path: str, **query: str | int | list[str] | None) -> str:
        """The address of one of our pages, with the prefix; None and empty values are left out of the query."""
        given = {name: value for name, value in query.items() if value not in (None, "", [])}
        return self.prefix + quote(path, safe="/@") + (f"?{urlencode(given, doseq=True)}" if given else "")


def lists(query: Mapping[str, str]) -> dict[str, list[str]]:
    """All values of each name, which an address may have several times."""
    found: dict[str, list[str]] = {}
    for name, value in query.items():
        found.setdefault(name, []).append(value)
    return found
