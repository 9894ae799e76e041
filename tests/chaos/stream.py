"""What is published during a seed: events of few or many keys, good, broken and repeated ones, drawn from the seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Any

import orjson

PARTITIONS = 4
SOURCE = "chaos"
NUMBER = "chaos-number"
"""The header by which a record that was read is known again."""
STRUCTURED = (("content-type", b"application/cloudevents+json"),)
BROKEN_VALUES = (b"not json", b"\xff\xfe{", b"{", b"<customer><type", b"")
XML = "http://bindings.egain.com/ws/model/v12/gen/interaction"
BURST, BURST_EVERY = 120, 1200
Headers = tuple[tuple[str, bytes], ...]


class Content(StrEnum):
    """What a record holds, and so how it may end: three of them as the code of their failure says."""

    CUSTOMER = "customer"
    BARE = "bare"  # a customer without an event around it
    REJECTED = "rejected"  # the worker cannot know that the API does not take it
    INVALID = "invalid_customer"
    UNDECODABLE = "undecodable"
    UNSUPPORTED = "unsupported_event"
    CONFIRMED = "confirmed"  # a person's word; it is never drawn

    @property
    def has_name(self) -> bool:
        """Whether the record says itself which event it is of, so that there can be another one of it."""
        return self not in {Content.BARE, Content.UNDECODABLE, Content.CONFIRMED}

    @property
    def is_sent(self) -> bool:
        """Whether a call to the API may come of it."""
        return self in {Content.CUSTOMER, Content.BARE, Content.REJECTED}


WEIGHTS = {
    Content.CUSTOMER: 84,
    Content.BARE: 6,
    Content.REJECTED: 2,
    Content.INVALID: 4,
    Content.UNDECODABLE: 2,
    Content.UNSUPPORTED: 2,
}
"""How often each content is drawn."""
EXTRA = 1_000_000
"""Records beside the stream are numbered from here on."""


@dataclass(frozen=True, slots=True)
class Item:
    """One record to be published; `event` is what repeats share."""

    number: int
    event: str
    key: bytes | None
    partition: int
    content: Content
    value: bytes
    headers: Headers

    @property
    def trace(self) -> str:
        """What the API's ledger knows this very record by."""
        return trace(self.event, self.number)


def trace(event: str, number: int) -> str:
    """A trace id: the event's part, then the record's."""
    return f"{blake2b(event.encode(), digest_size=12).hexdigest()}{number:08x}"


def items(seed: int, count: int, keys: int) -> Iterator[Item]:
    """The stream: one in 20 is of an event that was there before, one in 10 has no key, one in 12 is of no use.

    Now and then more repeats of one event follow one another than a worker works on at once.
    """
    draw, bursts = (random.Random(f"{what} {seed}") for what in ("stream", "bursts"))  # noqa: S311  repeatable draws
    made: list[Item] = []
    burst: list[Item] = []
    for number in range(count):
        burst = burst or _burst(bursts, made)
        if burst:
            item = _again(burst.pop(), number)
        elif made and draw.random() < 0.05:
            item = _again(draw.choice(made[-300:]), number)
        else:
            item = _fresh(draw, seed, number, keys)
        if item.content.has_name:
            made.append(item)
        yield item


def _burst(draw: random.Random, made: list[Item]) -> list[Item]:
    """Of an event without a key: nothing but the event itself keeps its records apart."""
    if draw.randrange(BURST_EVERY):
        return []
    keyless = [each for each in made[-300:] if each.key is None and each.content is Content.CUSTOMER]
    return [draw.choice(keyless)] * BURST if keyless else []


def _fresh(draw: random.Random, seed: int, number: int, keys: int) -> Item:
    chosen = draw.randrange(keys)
    key = None if draw.random() < 0.1 else f"key-{chosen}".encode()
    partition = draw.randrange(PARTITIONS) if key is None else chosen % PARTITIONS
    content = draw.choices(list(WEIGHTS), weights=list(WEIGHTS.values()))[0]
    return item_of(number, f"{seed}-{number}", key, partition, content, draw.choice(BROKEN_VALUES), draw.random() < 0.2)


def _again(known: Item, number: int) -> Item:
    """The same event in another record of the same key."""
    return item_of(number, known.event, known.key, known.partition, known.content)


def item_of(
    number: int,
    event: str,
    key: bytes | None,
    partition: int,
    content: Content,
    broken: bytes = b"",
    as_xml: bool = False,  # noqa: FBT001, FBT002  drawn
) -> Item:
    """The record of that number, ready to be published."""
    traced = f"00-{trace(event, number)}-00f067aa0ba902b7-01"
    mark = ((NUMBER, str(number).encode()),)
    match content:
        case Content.UNDECODABLE:
            return Item(number, event, key, partition, content, broken, mark)
        case Content.BARE:
            value = _xml(event) if as_xml else orjson.dumps(_customer(event, content))
            return Item(number, event, key, partition, content, value, (*mark, ("traceparent", traced.encode())))
        case _:
            value = orjson.dumps(_event(event, content, traced, as_xml=as_xml))
            return Item(number, event, key, partition, content, value, (*mark, *STRUCTURED))


def _event(event: str, content: Content, traced: str, *, as_xml: bool) -> dict[str, Any]:
    version = 2 if content is Content.UNSUPPORTED else 1
    plain = as_xml and content is Content.CUSTOMER
    return {
        "specversion": "1.0",
        "id": event,
        "source": SOURCE,
        "type": f"customer.create.requested.v{version}",
        "traceparent": traced,
        **({"datacontenttype": "application/xml"} if plain else {}),
        "data": _xml(event).decode() if plain else _customer(event, content),
    }


def _customer(event: str, content: Content) -> dict[str, Any]:
    customer: dict[str, Any] = {"type": "individual", "contactPersons": [{"firstName": f"name {event}"}]}
    if content is Content.INVALID:
        customer["pin"] = "x" * 256
    if content is Content.REJECTED:
        customer["level"] = "no such level"
    return customer


def _xml(event: str) -> bytes:
    return (
        f'<customer xmlns="{XML}/customer" xmlns:p="{XML}/contactperson"><type><value>individual</value></type>'
        f"<contactPersons><p:contactPerson><p:firstName>name {event}</p:firstName></p:contactPerson></contactPersons>"
        "</customer>"
    ).encode()
