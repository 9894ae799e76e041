"""Whether a partition's journal is still ours alone, told by the offsets of our own acknowledgements."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Fence:
    """Whether anybody else has written to the partition since our claim, which stands at offset `claimed`.

    The brokers' acknowledgements carry offsets: as long as those of our own entries follow one another, nobody has.
    `broken` is to be looked at when an entry is acknowledged, before the POST and before anything is published. `anew`
    says that offsets went back: the topic was deleted and made again, and what stood in it is gone.
    """

    claimed: int
    broken: bool = False
    anew: bool = False
    last: int = field(init=False)

    def __post_init__(self) -> None:
        self.last = self.claimed

    def acknowledged(self, offset: int) -> None:
        """Note the offset at which our next entry is stored; a gap before it breaks the fence for good."""
        self.broken = self.broken or offset != self.last + 1
        self.anew = self.anew or offset <= self.last
        self.last = max(self.last, offset)
