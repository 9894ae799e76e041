"""What was really executed, in order: it tells whether a customer was created twice."""

import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b


def digest_of(body: bytes) -> str:
    """A digest that tells bodies apart, so that they need not be kept."""
    return blake2b(body, digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Entry:
    """One executed create call; `customer_id` is None when it was refused and nothing was created.

    `status` is the one that the client got, or would have got had the reply not been lost.
    """

    sequence: int
    time: float
    identity: str
    customer_id: int | None
    status: int
    reply_lost: bool
    digest: str


class Ledger:
    """The executions, append-only. They are kept by columns: two million take some 400 MB."""

    def __init__(self, limit: int = 2_000_000, clock: Callable[[], float] = time.time) -> None:
        self._limit = limit
        self._clock = clock
        self._times = array("d")
        self._identities: list[str] = []
        self._customers = array("q")
        self._statuses = array("H")
        self._lost = bytearray()
        self._digests = array("Q")
        self._executions: Counter[str] = Counter()
        self._created = 0
        self._duplicated: set[str] = set()

    @property
    def full(self) -> bool:
        """Whether the ledger is full; the sandbox then executes no create call, as it could not record it."""
        return len(self._identities) >= self._limit

    def append(self, identity: str, digest: str, status: int, customer_id: int | None = None) -> int:
        """Record one execution and return its sequence, which counts from 1."""
        self._times.append(self._clock())
        self._identities.append(identity)
        self._customers.append(customer_id or 0)
        self._statuses.append(status)
        self._lost.append(0)
        self._digests.append(int(digest, 16))
        if customer_id is not None:
            self._count(identity)
        return len(self._identities)

    def _count(self, identity: str) -> None:
        self._created += 1
        self._executions[identity] += 1
        if self._executions[identity] > 1:
            self._duplicated.add(identity)

    def settle(self, sequence: int, status: int, *, reply_lost: bool) -> None:
        """Note with which status the reply to that execution ended, and whether the reply was lost."""
        self._statuses[sequence - 1] = status
        self._lost[sequence - 1] = reply_lost

    def executions(self, identity: str) -> int:
        """How many customers were created for that identity."""
        return self._executions.get(identity, 0)

    @property
    def created(self) -> int:
        """How many customers were created."""
        return self._created

    @property
    def replies_lost(self) -> int:
        """How many executions had a lost reply."""
        return self._lost.count(1)

    @property
    def identities(self) -> int:
        """For how many identities a customer was created."""
        return len(self._executions)

    @property
    def duplicates(self) -> dict[str, int]:
        """The identities for which more than one customer was created, each with the number of its customers."""
        return {identity: self._executions[identity] for identity in sorted(self._duplicated)}

    def __len__(self) -> int:
        return len(self._identities)

    def __getitem__(self, sequence: int) -> Entry:
        row = sequence - 1
        return Entry(
            sequence,
            self._times[row],
            self._identities[row],
            self._customers[row] or None,
            self._statuses[row],
            bool(self._lost[row]),
            f"{self._digests[row]:016x}",
        )

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """The entries with a sequence above `after`, oldest first."""
        for sequence in range(after + 1, len(self._identities) + 1):
            yield self[sequence]
