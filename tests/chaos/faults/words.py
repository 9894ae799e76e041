"""A person looks up what was parked, and tells the worker which customer it has."""

import asyncio
from dataclasses import dataclass

import orjson
from chaos.commanding import typed
from chaos.facts import Told
from chaos.known import event_of
from chaos.scene import Scene
from chaos.stream import Content, Item, item_of
from chaos.troubles import Step

AT_MOST = 3


@dataclass(frozen=True, slots=True)
class Resolve:
    """As many as were parked by then, a few at most; each is followed by a repeat of its event."""

    of_kafka: bool = True

    async def strike(self, scene: Scene, step: Step) -> None:
        """Of those that the API has carried out: only these can be found."""
        await asyncio.sleep(step.seconds)
        known = set(scene.beside.confirmed.values())
        for told in list(scene.beside.doubts):
            item, customer = scene.beside.stored.get(told.place), _found(scene, told)
            if item and customer and customer not in known and len(known) < AT_MOST * 3:
                known.add(customer)
                await _resolved(scene, told, item, customer)


def _found(scene: Scene, told: Told) -> str | None:
    """What a person finds in the CRM, where it is the only one."""
    item = scene.beside.stored.get(told.place)
    if item is None:
        return None
    made = {str(each.customer_id) for each in scene.sandbox.ledger.entries() if event_of(each.identity) == _event(item)}
    return made.pop() if len(made) == 1 else None


def _event(item: Item) -> str:
    return event_of(item.trace)


async def _resolved(scene: Scene, told: Told, item: Item, customer: str) -> None:
    letter = told.event["data"]["deadLetter"]
    place = f"{letter['partition']}@{letter['offset']}"
    words = ("dead-letters", "resolve", place, "--customer-id", customer, "--yes", "--json")
    said = await typed(scene.fleet.environment, *words)
    if said.code:
        scene.problems.append(f"resolve {place} ended with {said.code}: {said.err.strip()[-300:]}")
        return
    answer = orjson.loads(said.out.splitlines()[0])
    partition, _, offset = answer["resolvedAs"].partition("@")
    at = int(partition), int(offset)
    number = scene.beside.next_number()
    scene.beside.confirmed[at] = customer
    scene.beside.stored[at] = item_of(number, item.event, item.key, at[0], Content.CONFIRMED)
    if item.content.has_name:
        again = item_of(scene.beside.next_number(), item.event, item.key, at[0], Content.CUSTOMER)
        await scene.publish_beside(again)
