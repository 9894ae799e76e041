"""How this process takes part in the consumer group, and who is told of partitions that the group gives and takes."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalGenerationError, for_code
from aiokafka.protocol.commit import OffsetFetchRequest

from worker.kafka.connection import Connection, advertised
from worker.kafka.failures import explained


@dataclass(frozen=True, slots=True)
class Membership:
    """How this process takes part in the group. Times are seconds."""

    topic: str
    group_id: str
    session_timeout: float
    rebalance_timeout: float
    group_instance_id: str | None = None


class Partitions(Protocol):
    """Told which partitions the group gives and takes."""

    def assigned(self, partitions: Collection[int]) -> None: ...
    async def revoked(self, partitions: Collection[int]) -> None: ...


class Rebalanced(Protocol):
    """The source of records of this member; its methods are described in `worker.kafka.source`."""

    def refresh(self) -> None: ...
    def forget(self, partitions: Collection[int]) -> None: ...
    def count(self) -> None: ...


class Listener(ConsumerRebalanceListener):
    """Tells `partitions` of each rebalance, and has the source look at its topic anew."""

    def __init__(self, partitions: Partitions, source: Rebalanced) -> None:
        self._partitions = partitions
        self._source = source

    async def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        # The group's leader distributes only the partitions that it knows of.
        self._source.refresh()
        numbers = [each.partition for each in revoked]
        self._source.forget(numbers)
        await self._partitions.revoked(numbers)

    async def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        """Returns at once: no heartbeat is sent while it runs (docs: kafka, assigned partitions)."""
        self._source.count()
        self._partitions.assigned([each.partition for each in assigned])


def commits_as_member(consumer: AIOKafkaConsumer) -> None:
    """Refuse each commit that would be sent without a generation; for a consumer that was started.

    The client reads its generation only when it writes the request: after it has waited for a coordinator, or between
    two tries. A member that lost it meanwhile would rewind an empty group (docs: kafka, a commit without a generation).
    """
    coordinator: Any = consumer._coordinator  # noqa: SLF001  aiokafka has no other way to ask before it writes
    store = coordinator._do_commit_offsets  # noqa: SLF001  as above

    async def stored(assignment: object, offsets: object) -> None:
        if coordinator.generation < 0:
            raise IllegalGenerationError("not a member of the group now")
        await store(assignment, offsets)

    coordinator._do_commit_offsets = stored  # noqa: SLF001  as above


def offsets_as_told(consumer: AIOKafkaConsumer) -> None:
    """Raise each refusal of a broker to tell the group's offsets; for a consumer that was started.

    A broker that is not the coordinator (any more, or yet) refuses the whole request and names no partition. The client
    looks only at what is said of each partition. It would take the refusal for a group without stored offsets, and read
    its partitions from the log's beginning (docs: kafka, offsets that are not told).
    """
    coordinator: Any = consumer._coordinator  # noqa: SLF001  aiokafka has no other way to see the answer
    send = coordinator._send_req  # noqa: SLF001  as above

    async def sent(request: object) -> Any:  # noqa: ANN401  one form for each request
        answer = await send(request)
        if isinstance(request, OffsetFetchRequest) and (code := getattr(answer, "error_code", 0)):
            error = for_code(code)
            if error.retriable:
                coordinator.coordinator_dead()
            raise error(coordinator.group_id)
        return answer

    coordinator._send_req = sent  # noqa: SLF001  as above


async def joined(consumer: AIOKafkaConsumer, connection: Connection, within: float) -> None:
    """Return when the group has given out its partitions, or after `within` seconds; the join goes on then.

    A group waits for a member that died as long as its session lasts, and for one that drains. If we gave up meanwhile,
    we would stay in the group as another member that died, and whoever begins anew would wait for that one: nobody
    would ever read.
    """
    # Subscribed before its start, the client would wait for this without an end, and `opened` would give it up.
    assigned = consumer._subscription.wait_for_assignment()  # noqa: SLF001  aiokafka tells it nowhere else
    with explained(connection.bootstrap_servers, connection.security_protocol, partial(advertised, consumer)):
        done, _ = await asyncio.wait({assigned}, timeout=within)
        for each in done:
            each.result()
