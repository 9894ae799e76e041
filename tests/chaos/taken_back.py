"""What was taken back upstream, and what was deleted before anybody read it."""

from collections.abc import Iterator

from chaos.known import Known, event_of


def done(known: Known) -> Iterator[str]:
    """A record of a transaction that was not committed creates nothing, and nobody is told of it."""
    for each in known.facts.taken_back:
        if known.made.get(each.item.trace):
            yield f"{each} was taken back, and a customer was created for it"
        if known.calls.get(each.item.trace):
            yield f"{each} was taken back, and was sent"
        if known.told.get(each.place):
            yield f"{each} was taken back, and has a terminal event"


def unsaid(known: Known) -> Iterator[str]:
    """Who was deleted unread is told as such: nobody else will ever know."""
    for each in known.facts.asked:
        gone = each.place in known.facts.expired and not known.told_of(each)
        if gone and each.place not in known.facts.told_expired:
            yield f"{each} was deleted unread, and nobody says so"


def unheeded(known: Known) -> Iterator[str]:
    """A confirmation names the customer that a person found; every later repeat in its partition finds it, too."""
    places = {each.place: each for each in known.facts.asked}
    for place, customer in known.facts.confirmed.items():
        ends = known.told.get(place, ())
        if {told.event["data"].get("customerId") for told in ends} - {customer}:
            yield f"{place} confirms customer {customer}, and says another"
        if place not in places or not any(told.ending == "confirmed" for told in ends):
            continue
        for later in known.records[event_of(places[place].item.trace)]:
            behind = later.place[0] == place[0] and later.place[1] > place[1] and later.item.content.is_sent
            if behind and known.endings(later) - {"already_created"}:
                yield f"{later} comes after a person's word and ended as {', '.join(known.endings(later))}"
