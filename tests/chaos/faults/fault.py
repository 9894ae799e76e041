"""What a fault is: something that is done to a running seed, and over when `strike` returns."""

from typing import Protocol

from chaos.scene import Scene
from chaos.troubles import Step


class Fault(Protocol):
    """`of_kafka`: it needs a Kafka that stands, so that nobody strikes the broker meanwhile."""

    @property
    def of_kafka(self) -> bool: ...

    async def strike(self, scene: Scene, step: Step) -> None: ...
