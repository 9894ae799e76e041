"""Makes from the settings the frozen values that each part takes; the parts themselves read no settings."""

from worker.wiring.creation import api_limit, breaker, flood, pace, reconciliation, retry, settle_time, slots
from worker.wiring.customer_api import access, api, credentials, meaning, resends_503
from worker.wiring.events import catalog, decoder, mapping, results
from worker.wiring.journal import restore
from worker.wiring.kafka import connection, described, membership, owner, plan, start, terms
from worker.wiring.replica import instance, ordinal
from worker.wiring.schema_registry import decoding, registry, schemas

__all__ = [
    "access",
    "api",
    "api_limit",
    "breaker",
    "catalog",
    "connection",
    "credentials",
    "decoder",
    "decoding",
    "described",
    "flood",
    "instance",
    "mapping",
    "meaning",
    "membership",
    "ordinal",
    "owner",
    "pace",
    "plan",
    "reconciliation",
    "registry",
    "resends_503",
    "restore",
    "results",
    "retry",
    "schemas",
    "settle_time",
    "slots",
    "start",
    "terms",
]
