"""The outcome of a person's word that a customer exists; nothing is ever sent for it."""

from collections.abc import Callable

from worker.journal.recall import CreatedBefore, Fresh, InDoubt
from worker.model.commands import ConfirmCustomer
from worker.model.outcomes import Failed, Outcome, Reason, ReasonCode, Succeeded


def confirmed(
    command: ConfirmCustomer, known: Fresh | InDoubt | CreatedBefore, location: Callable[[str], str]
) -> Outcome:
    """Succeeded with the customer that the person named; Failed where another one of the event is known.

    `location` gives the API's own path of the customer with that id.
    """
    customer_id = command.customer_id
    if isinstance(known, CreatedBefore) and known.outcome.customer_id != customer_id:
        why = f"customer {known.outcome.customer_id} of this event is known, so that {customer_id} is not confirmed"
        return Failed(Reason(ReasonCode.REFUSED, why))
    return Succeeded(customer_id, location(customer_id), command.customer_type, attempts=0, resolution="confirmed")
