"""What the API carried out, against what was asked for and what is told of it."""

from collections.abc import Iterator

from chaos.known import OF_A_CUSTOMER, UNKNOWN, Known, event_of


def duplicates(known: Known) -> Iterator[str]:
    """No event has two customers, and nobody has one who was not asked for; what was taken back is told elsewhere."""
    taken_back = {event_of(each.item.trace) for each in known.facts.taken_back}
    for event, ids in known.customers.items():
        records = [each for each in known.records.get(event, ()) if each.item.content.is_sent]
        if not records and event not in taken_back:
            yield f"customers {', '.join(ids)} were asked for by nobody"
        elif len(ids) > 1 and records:
            yield f"event {records[0].item.event} was executed {len(ids)} times: {', '.join(ids)}"


def misnamed(known: Known) -> Iterator[str]:
    """Whoever is told as a customer was created for that event."""
    for each in known.facts.asked:
        ids = known.customers.get(event_of(each.item.trace), ())
        for event in known.told_of(each):
            customer = event.event["data"].get("customerId")
            if customer is not None and customer not in ids:
                yield f"{each} is told as customer {customer}, which was not created for it"


def denied(known: Known) -> Iterator[str]:
    """A record that was executed is told as a customer, or as unknown."""
    for each in known.facts.asked:
        if known.made.get(each.item.trace) and not known.endings(each) & (OF_A_CUSTOMER | {UNKNOWN}):
            yield f"{each} was executed, and is told as {', '.join(known.endings(each)) or 'nothing'}"
