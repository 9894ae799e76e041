"""What the workers of a seed are told: every wait as short as it can be."""

from chaos.api_troubles import REQUEST_TIMEOUT
from chaos.troubles import Schedule

from worker.sandbox.api import DEFAULT_PASSWORD, DEFAULT_USER

SESSION = "4"
"""Seconds; Kafka itself allows no less than 6."""
BROKER = {
    "group.min.session.timeout.ms": "1000",
    # After a SIGKILL it is back in some 6 s instead of 14 (its former registration has to expire).
    "broker.session.timeout.ms": "1000",
    "broker.heartbeat.interval.ms": "200",
    # A transaction that nobody ends is taken back soon after its producer's patience is over.
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "500",
}
HURRY = {
    "WORKER_API__USERNAME": DEFAULT_USER,
    "WORKER_API__PASSWORD": DEFAULT_PASSWORD,
    "WORKER_API__CONNECT_TIMEOUT": "2",
    "WORKER_API__REQUEST_TIMEOUT": str(REQUEST_TIMEOUT),
    "WORKER_KAFKA__SESSION_TIMEOUT": SESSION,
    "WORKER_KAFKA__REBALANCE_TIMEOUT": "12",
    "WORKER_DISPATCH__DRAIN_TIMEOUT": "8",
    "WORKER_HOLD__PROBE_DELAY": "0.1",
    "WORKER_HOLD__MAX_PROBE_DELAY": "0.5",
    "WORKER_JOURNAL__INTENT_TTL": "2",
    "WORKER_LOG__FORMAT": "json",
    "WORKER_OPS__PORT": "0",
    "WORKER_RECONCILE__ATTEMPTS": "2",
    "WORKER_RECONCILE__SETTLE_DELAY": "2",
    # No burst of refusals of a schedule lasts as long as these attempts: some 15 s.
    "WORKER_RETRY__BASE_DELAY": "0.1",
    "WORKER_RETRY__MAX_ATTEMPTS": "30",
    "WORKER_RETRY__MAX_DELAY": "1",
}
LOOK_UP = {"WORKER_RECONCILE__BY": "custom_attribute", "WORKER_RECONCILE__ATTRIBUTE": "externalid"}


def environment(schedule: Schedule, kafka: str, api: str) -> dict[str, str]:
    """The settings as environment variables; what the schedule says itself comes last."""
    return {
        **HURRY,
        **(LOOK_UP if schedule.look_up else {}),
        "WORKER_API__FORMAT": schedule.form,
        "WORKER_API__BASE_URL": api,
        "WORKER_KAFKA__BOOTSTRAP_SERVERS": kafka,
        **schedule.settings,
    }
