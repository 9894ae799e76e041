"""Settles one doubt: asks the CRM, publishes which customer a person named, or accepts a possible duplicate."""

from worker.console.doubts.forms import ID, KINDS
from worker.console.letters.place import place_of, read
from worker.console.runs.beginning import begun
from worker.console.web.answers import Answer, NotNow, NotShown
from worker.console.web.asked import Asked
from worker.console.web.rights import Right
from worker.console.web.routes import Route
from worker.console.work.jobs import LookUp, Replay, Resolve
from worker.customer.customer_id import usable_id
from worker.tools.dead_letters.letters import Letter
from worker.tools.dead_letters.resolving import Word
from worker.tools.dead_letters.selection import Selection, request_of
from worker.tools.reading.place_set import PlaceSet


async def look_up(asked: Asked) -> Answer:
    """Begin a look-up of the doubt; it publishes nothing."""
    return await begun(asked, _name(asked, "look-up"), LookUp(asked.sources.settings, place_of(asked)))


async def resolve(asked: Asked) -> Answer:
    """Begin to publish the customer that a person named. NotShown where the id cannot be one."""
    customer_id, kind = asked.form.get(ID, "").strip(), asked.form.get("customer_type", "")
    if not usable_id(customer_id):
        raise NotShown("a customer's id has a digit, and letters, digits, _ and - alone")
    word = Word(customer_id, KINDS.get(kind))
    return await begun(asked, _name(asked, "resolve"), Resolve(asked.sources.settings, place_of(asked), word))


async def accept(asked: Asked) -> Answer:
    """Begin a replay that accepts a duplicate, if the person has typed the event's id.

    So it is this one that is meant.
    """
    letter = await _doubt(asked)
    if not letter.event_id or asked.form.get("event", "").strip() != letter.event_id.strip():
        raise NotShown("that is not the id of this event: nothing was sent")
    job = Replay(asked.sources.settings, _selection(asked, letter), single=letter.place, accept_duplicates=True)
    return await begun(asked, _name(asked, "accept"), job)


async def replay(asked: Asked) -> Answer:
    """Begin a replay of the doubt after a look-up, which the run makes itself."""
    letter = await _doubt(asked)
    if letter.exists:
        raise NotNow("the API said that it made this customer: a look-up that finds none does not make it sendable")
    job = Replay(asked.sources.settings, _selection(asked, letter), single=letter.place)
    return await begun(asked, _name(asked, "replay"), job)


async def _doubt(asked: Asked) -> Letter:
    shown, _ = await read(asked)
    if not shown.letter.is_doubt:
        raise NotNow(f"{shown.letter.place} is {shown.letter.called}, and no doubt")
    return shown.letter


def _selection(asked: Asked, letter: Letter) -> Selection:
    return selection_of(letter, asked.sources.plan.requests)


def selection_of(letter: Letter, requests: str) -> Selection:
    """A selection of this letter alone."""
    place = letter.place
    selection = Selection(PlaceSet({place.partition: (place.offset, place.offset + 1)}))
    selection.add(place, request_of(letter, requests))
    return selection


def _name(asked: Asked, what: str) -> str:
    """The run's name that the form carries; without one, the next name."""
    given, place = asked.one("run") or "", place_of(asked)
    beginning = f"{what}-{place.partition}-{place.offset}-"
    usable = given.startswith(beginning) and given.isascii() and given.replace("-", "").isalnum() and len(given) < 80
    return given if usable else asked.sources.desk.run_name(what, place)


ROUTES = (
    Route("POST", "/doubts/{place}/look-up", Right.RESOLVE, look_up),
    Route("POST", "/doubts/{place}/resolve", Right.RESOLVE, resolve),
    Route("POST", "/doubts/{place}/accept", Right.ACCEPT_DUPLICATES, accept),
    Route("POST", "/doubts/{place}/replay", Right.REPLAY, replay),
)
