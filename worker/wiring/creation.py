"""How a command is carried out: how often, how fast, how many at once, and how a doubt is looked up."""

from worker.creation.adaptive import Adaptive
from worker.creation.api_limit import ApiLimit, slots_for
from worker.creation.backoff import Backoff
from worker.creation.breaker import Breaker
from worker.creation.calls import Calls
from worker.creation.creation import RetryPolicy
from worker.creation.flood import Flood
from worker.creation.group_pace import GroupPace
from worker.creation.holds import Holds
from worker.creation.reconcile import Reconciliation, Search
from worker.creation.share import Share
from worker.customer_api import CustomerApi
from worker.model.commands import CreateCustomer
from worker.model.errors import SearchRefused
from worker.partition.slots import Slots
from worker.settings.settings import Settings


def retry(settings: Settings) -> RetryPolicy:
    """How often and how soon a record is tried again."""
    given = settings.retry
    return RetryPolicy(given.max_attempts, Backoff(given.base_delay, given.max_delay))


def pace(settings: Settings) -> GroupPace:
    """The group's limit on POSTs."""
    rate = settings.dispatch.max_rate
    return GroupPace(Share(rate) if rate else None)


def flood(settings: Settings) -> Flood:
    """What tells that nearly everything is being refused."""
    return Flood(settings.hold.flood_ratio, settings.hold.flood_window)


def breaker(settings: Settings) -> Breaker:
    """What tells that failures in a row are an outage, and when the API is probed."""
    given = settings.hold
    return Breaker(given.after_failures, Backoff(given.probe_delay, given.max_probe_delay))


def slots(settings: Settings) -> Slots:
    """How many records are worked on at once.

    Beyond them, up to a bound, there may be records whose outcome is known: they only wait for Kafka.
    """
    calls = settings.dispatch.max_in_flight
    return Slots(slots_for(calls), beyond=4 * calls)


def api_limit(settings: Settings, slots: Slots) -> ApiLimit:
    """How many calls there may be at once, and what changes that number."""
    most = settings.dispatch.max_in_flight
    return ApiLimit(Calls(most), slots, Adaptive(most) if settings.dispatch.adaptive else None)


def settle_time(settings: Settings) -> float:
    """Seconds after an intent until its doubt may be looked up: by then the API has carried it out, or never will."""
    return settings.journal.intent_ttl + settings.api.request_timeout + settings.reconcile.settle_delay


def reconciliation(settings: Settings, holds: Holds, api: CustomerApi) -> Reconciliation:
    """The look-up after an unknown outcome, if one is configured."""
    given = settings.reconcile
    settle = settle_time(settings)

    async def by_attribute(command: CreateCustomer) -> list[str]:
        return await api.find_by_attribute(given.attribute or "", str(command.request.event))

    async def by_email(command: CreateCustomer) -> list[str]:
        if command.customer.first_email is None:
            raise SearchRefused("the customer has no e-mail address to look for")
        return await api.find_by_email(command.customer.first_email)

    match given.by:
        case "none":
            return Reconciliation(holds)
        case "custom_attribute":
            return Reconciliation(holds, Search(by_attribute, settle, given.attempts, given.settle_delay))
        case "email":
            search = Search(by_email, settle, given.attempts, given.settle_delay, of_others=True)
            return Reconciliation(holds, search)
