"""Whether a partition's journal is still ours alone, told by the offsets of our own acknowledgements."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Fence:
    """Whether anybody else has written to the partition since our claim, which stands at offset `claimed`.

    The brokers' acknowledgements carry offsets: as long as our own follow one another, nobody has. Judge with it at
    the acknowledgement of every entry, before the POST and before anything is published. `anew` is a gap backwards:
    the topic was deleted and made again, and knows nothing of what stood in it.
    """

    claimed: int
    broken: bool = False
    anew: bool = False
    last: int = field(init=False)

    def __post_init__(self) -> None:
        self.last = self.claimed

    def acknowledged(self, offset: int) -> None:
        """Our next entry is stored at this offset; a gap before it stays a gap."""
        self.broken = self.broken or offset != self.last + 1
        self.anew = self.anew or offset <= self.last
        self.last = max(self.last, offset)
