"""What the rules depend on besides the event itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from pydantic import ValidationInfo

from worker import clocks
from worker.customer.catalog import Attribute, Catalog, Choice, Scope


class Configured(Protocol):
    """The configured values, as a file or the application gives them; None where they are not known."""

    def values(self, choice: Choice) -> frozenset[str] | None:
        """The configured values of that kind."""

    def attributes(self, scope: Scope) -> Mapping[str, Attribute] | None:
        """The custom attributes of that level."""


NOTHING_KNOWN: Final = Catalog()


def now() -> datetime:
    """The present time: a date must lie before it to count as past."""
    return clocks.moment()


@dataclass(slots=True)
class Circumstances:
    """What one validation depends on; made anew for each event, since it collects the event's e-mail addresses."""

    catalog: Configured = NOTHING_KNOWN
    clock: Callable[[], datetime] = now
    emails: set[str] = field(default_factory=set)


def circumstances(info: ValidationInfo) -> Circumstances:
    """The circumstances of the validation under way; the defaults where none were given."""
    given = info.context
    return given if isinstance(given, Circumstances) else Circumstances()
