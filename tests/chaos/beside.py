"""What the troubles of a seed do to its records and topics, as far as the verdict has to know."""

from collections.abc import Set
from dataclasses import dataclass, field
from itertools import count

from chaos.facts import Asked, Place, Strike, Told
from chaos.stream import EXTRA, Content, Item, item_of


@dataclass(slots=True)
class Beside:
    """`stored` are the records that must end, by their places; the other fields are as in `Facts`."""

    stored: dict[Place, Item] = field(default_factory=dict)
    taken_back: list[Asked] = field(default_factory=list)
    expired: set[Place] = field(default_factory=set)
    refusals: list[Strike] = field(default_factory=list)
    unsearchable: set[str] = field(default_factory=set)
    confirmed: dict[Place, str] = field(default_factory=dict)
    cut_journals: set[int] = field(default_factory=set)
    doubts: list[Told] = field(default_factory=list)
    """Terminal events that said so, as they came."""
    _numbers: "count[int]" = field(default_factory=lambda: count(EXTRA))

    def item(self, partition: int, *, event: str = "", key: str = "", content: Content = Content.CUSTOMER) -> Item:
        """A record of an event and a key of its own, where none are named."""
        number = self.next_number()
        return item_of(number, event or f"beside-{number}", (key or f"beside-{number}").encode(), partition, content)

    def next_number(self) -> int:
        """Of a record that is none of the stream."""
        return next(self._numbers)

    def due(self) -> Set[Place]:
        """Those that have to end."""
        return self.stored.keys() - self.expired
