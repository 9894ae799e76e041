"""Records that no producer of ours would write."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy as Builder
from chaos.scene import Scene
from chaos.stream import PARTITIONS, SOURCE, STRUCTURED, Content, Item
from chaos.troubles import Step

HUGE = 900_000
LONG = 5_000
FILLER = "x"


class OddName(str):
    """A header's name that is not UTF-8, which a name is on the wire only by agreement."""

    __slots__ = ()

    def encode(self, *_: object, **__: object) -> bytes:
        """As it is written."""
        return b"trace\xff\xfe-id"


@dataclass(frozen=True, slots=True)
class OddRecords:
    """Each of them is undecodable; what is around them is not."""

    of_kafka: bool = True

    async def strike(self, scene: Scene, step: Step) -> None:
        """Good ones of the same partition stand around them."""
        partition = step.number % PARTITIONS
        odd = [replace(item, key=item.key) for item in records(scene, partition)]
        await scene.publish_beside(scene.beside.item(partition), *odd, scene.beside.item(partition))
        await _with_odd_name(scene, scene.beside.item(partition, content=Content.UNDECODABLE))


def records(scene: Scene, partition: int) -> Iterator[Item]:
    """Large, long, and dressed as something else."""

    def item(value: bytes, headers: tuple[tuple[str, bytes], ...] = ()) -> Item:
        made = scene.beside.item(partition, content=Content.UNDECODABLE)
        return replace(made, value=value, headers=(*made.headers, *headers))

    customer = {"type": "individual", "contactPersons": [{"firstName": "odd"}]}
    event = {"specversion": "1.0", "source": SOURCE, "type": "customer.create.requested.v1", "data": customer}
    yield item(b"{" + b" " * HUGE)
    yield item(orjson.dumps({**event, "id": FILLER * LONG}), STRUCTURED)
    yield item(orjson.dumps({**event, "id": "odd", "subject": FILLER * LONG}), STRUCTURED)
    yield item(orjson.dumps(customer), (("ce_type", b"\xff\xfe"), ("ce_id", b"1")))
    yield item(b"no json", tuple((f"h{number}", b"v" * 100) for number in range(500)))


async def _with_odd_name(scene: Scene, item: Item) -> None:
    async with AIOKafkaProducer(bootstrap_servers=scene.kafka) as producer:
        batch = producer.create_batch()
        batch._builder = Builder(2, 0, 0, -1, -1, -1, 2**20)
        headers = [*item.headers, (OddName("x"), b"1")]
        batch.append(timestamp=None, key=item.key, value=item.value, headers=headers)
        batch.close()
        sending = await producer.send_batch(batch, scene.names.of("requests"), partition=item.partition)
        at = await sending
    scene.beside.stored[at.partition, at.offset] = item
