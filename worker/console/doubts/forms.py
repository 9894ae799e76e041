"""The forms in which a person settles one doubt."""

import htpy as h

from worker.console import words
from worker.console.web import parts
from worker.console.web.asked import Asked
from worker.console.web.rights import Right
from worker.console.work.jobs import LookUp
from worker.creation.reconcile import Absent, Existing, Unclear
from worker.model.commands import Kind
from worker.tools.dead_letters.letters import Json, Letter
from worker.tools.reading.place import Place

KINDS: dict[str, Kind] = {"individual": "individual", "group": "group"}
ID = "customer_id"


def section(asked: Asked, letter: Letter, known: Json | None) -> h.Node:
    """The forms for a letter that is a doubt, else None; `known` is what was found out about it by now."""
    if not letter.is_doubt:
        return None
    if ended := known and (known.get("resolvedAs") or known.get("replayedAs")):
        return parts.notice("good", f"Nothing is to be done: it was resolved or replayed, as {ended}.")
    told = "The API said that it made the customer." if letter.exists else "Its customer may exist, or may not."
    return h.fragment[
        h.h2["This doubt"],
        parts.notice("wait", told),
        _look_up(asked, letter),
        resolving(asked, letter.place),
        _accepting(asked, letter),
    ]


def after_look_up(asked: Asked, job: LookUp) -> h.Node:
    """What can be done after a look-up: a customer that was found is not sent, one that does not exist may be."""
    match job.finding:
        case Existing(customer_id):
            told = parts.notice("good", f"Its customer exists: {words.told(customer_id)}. It is not to be replayed.")
            return h.fragment[told, resolving(asked, job.place, customer_id)]
        case Absent():
            told = parts.notice("good", "The CRM has no such customer.")
            return h.fragment[told, replaying(asked, job.place) if job.may_be_sent else _not_sent()]
        case Unclear(detail):
            return parts.notice("wait", f"The look-up cannot tell: {words.told(detail)}.")
        case _:
            return None


def _not_sent() -> h.Node:
    return h.p["The API said that it made this customer: that a search does not find it makes it no safer to send."]


def _look_up(asked: Asked, letter: Letter) -> h.Node:
    if asked.sources.settings.reconcile.by == "none":
        return h.p["The CRM cannot be asked from here: no look-up is configured (WORKER_RECONCILE__BY)."]
    if not asked.who.may(Right.RESOLVE):
        return None
    return h.fragment[
        h.h3["Ask the CRM"],
        h.p["It takes one of the five API sessions of the worker's user for as long as it asks, and ends nobody's."],
        _form(asked, letter.place, "look-up")[parts.button("Look it up")],
    ]


def resolving(asked: Asked, place: Place, customer_id: str = "") -> h.Node:
    """The form in which a person says which customer it is; None without the right."""
    if not asked.who.may(Right.RESOLVE):
        return None
    return h.fragment[
        h.h3["It exists: say which customer it is"],
        h.p["The worker ends the record as succeeded and sends nothing. That is for good."],
        _form(asked, place, "resolve")[
            h.label[
                "Customer id in the CRM", h.input(type="text", name=ID, value=customer_id, required=True, size="16")
            ],
            h.label[
                "Customer type",
                h.select(name="customer_type")[
                    h.option(value="")["as its payload says"], (h.option(value=each)[each] for each in KINDS)
                ],
            ],
            parts.button("Resolve it"),
        ],
    ]


def replaying(asked: Asked, place: Place) -> h.Node:
    """The form for a doubt whose customer does not exist: it is looked up once more, and then sent."""
    if not asked.who.may(Right.REPLAY):
        return None
    return h.fragment[
        h.h3["It does not exist: replay it"],
        h.p["The CRM is asked once more right before; who is found then is not sent."],
        _form(asked, place, "replay")[parts.button("Replay it")],
    ]


def _accepting(asked: Asked, letter: Letter) -> h.Node:
    if not asked.who.may(Right.ACCEPT_DUPLICATES) or not letter.event_id:
        return None
    return h.fragment[
        h.h3["Nobody can tell: accept a duplicate"],
        h.p["It is sent, whatever exists already. This API has no delete: a second customer stays."],
        _form(asked, letter.place, "accept")[
            h.label[
                "Type the event's id", h.input(type="text", name="event", required=True, size="24", autocomplete="off")
            ],
            parts.button("Send it all the same", danger=True),
        ],
    ]


def _form(asked: Asked, place: Place, what: str) -> h.Element:
    """A form whose run has a name that the form carries: if it is sent twice, it is one run."""
    name = asked.sources.desk.run_name(what, place)
    return h.form(method="post", action=asked.link(f"/doubts/{place}/{what}", run=name))
