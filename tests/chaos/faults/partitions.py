"""More partitions of the requests, and later of the journal."""

import asyncio
from dataclasses import dataclass

from added_partitions import add_partitions
from aiokafka.admin import AIOKafkaAdminClient
from chaos import topics
from chaos.scene import Scene
from chaos.stream import Content
from chaos.troubles import Step

MORE = 2
RECORDS = 5


@dataclass(frozen=True, slots=True)
class PartitionsAdded:
    """Two of the requests at a time; the journal has them after a while."""

    of_kafka: bool = True

    async def strike(self, scene: Scene, step: Step) -> None:
        """Records come into the new ones at once, a broken one among them."""
        count = len(await topics.places(scene.kafka, scene.names.of("requests"))) + MORE
        scene.fleet.partitions_added = True
        await self._grown(scene, "requests", count)
        items = [scene.beside.item(number) for number in range(count - MORE, count) for _ in range(RECORDS)]
        broken = [scene.beside.item(number, content=Content.INVALID) for number in range(count - MORE, count)]
        await scene.publish_beside(*items, *broken)
        await asyncio.sleep(step.seconds)
        await self._grown(scene, "journal", count)

    async def _grown(self, scene: Scene, what: str, count: int) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=scene.kafka)
        await admin.start()
        try:
            await add_partitions(admin, scene.names.of(what), count)
        finally:
            await admin.close()
