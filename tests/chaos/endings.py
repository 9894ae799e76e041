"""How each record ended: once, as its content allows, and under its own id."""

from collections import defaultdict
from collections.abc import Iterator
from uuid import NAMESPACE_URL, uuid5

import orjson
from chaos.facts import Asked, Told
from chaos.known import OF_A_CUSTOMER, UNKNOWN, Known
from chaos.stream import SOURCE, Content


def lost(known: Known) -> Iterator[str]:
    """Every record has an end, unless it was gone before anybody could read it."""
    for each in known.facts.asked:
        if not known.told_of(each) and each.place not in known.facts.expired:
            yield f"{each} has no terminal event"


def wrong(known: Known) -> Iterator[str]:
    """Only what a record holds decides whether it fails, never an outage; an event is created once."""
    created: defaultdict[str, list[Asked]] = defaultdict(list)
    for each in known.facts.asked:
        for ending in sorted(known.endings(each) - _allowed(each.item.content) - _refused(known, each)):
            yield f"{each} is {each.item.content} and ended as {ending}"
        if "created" in known.endings(each):
            created[each.item.event].append(each)
    for event, records in created.items():
        if len(records) > 1:
            yield f"event {event} is told as created by {', '.join(map(str, records))}"
    known_places = {each.place for each in (*known.facts.asked, *known.facts.taken_back)}
    for place in known.told.keys() - known_places:
        yield f"{place} is no record and has a terminal event"


MADE = OF_A_CUSTOMER - {"confirmed"}
"""How a record ends that asks for a customer."""


def _allowed(content: Content) -> frozenset[str]:
    match content:
        case Content.CUSTOMER | Content.BARE:
            return MADE | {UNKNOWN}
        case Content.CONFIRMED:
            return frozenset({"confirmed"})
        case Content.REJECTED:
            return frozenset({"rejected", UNKNOWN})
        case _:
            return frozenset({content.value})


def _refused(known: Known, asked: Asked) -> frozenset[str]:
    """What may become of a customer while the API refuses nearly everybody."""
    if not asked.item.content.is_sent:
        return frozenset()
    ends = [told.at for told in known.told_of(asked)]
    refused = any(each.began <= at <= each.ended for at in ends[:1] for each in known.facts.refusals)
    return frozenset({"forbidden"}) if refused else frozenset()


def several(known: Known) -> Iterator[str]:
    """A repeat says the same under the same id, and that is the one of the contract (docs: events, results)."""
    for each in known.facts.asked:
        events = known.told_of(each)
        endings = ", ".join(event.ending for event in events)
        if len({event.event["id"] for event in events}) > 1:
            yield f"{each} has several terminal events: {endings}"
        elif len({_content(event) for event in events}) > 1:
            yield f"{each} is told differently at a repeat: {endings}"
        if any(_is_misplaced(each, event, known.facts.topic) for event in events):
            yield f"{each} is told under another id, key or name than its own"


def _content(told: Told) -> bytes:
    """Its own time and the place of its dead letter are its own."""
    return orjson.dumps({**told.event["data"], "deadLetter": None}, option=orjson.OPT_SORT_KEYS)


def _is_misplaced(asked: Asked, told: Told, topic: str) -> bool:
    request = told.event["data"]["request"]
    named = [request["source"], request["id"]]
    own_id = uuid5(NAMESPACE_URL, orjson.dumps([*named, topic, *told.place, told.event["type"]]).decode())
    return (
        told.event["id"] != str(own_id)
        or told.key != asked.item.key
        or (asked.item.content.has_name and named != [SOURCE, asked.item.event])
    )
