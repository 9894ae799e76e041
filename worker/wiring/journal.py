"""What reads the journal of a partition that becomes ours."""

import structlog

from worker.intake.restoring import Restore
from worker.journal.claim import Claims
from worker.journal.disabled import DisabledJournal
from worker.journal.terms import Restored
from worker.journal.topic_config import alter, troubles
from worker.kafka.connection import Connection, tool_options
from worker.kafka.journal_topic import JournalTopic
from worker.kafka.publisher import Publisher
from worker.partition.assignment import Assignment
from worker.partition.slots import Slots
from worker.settings.settings import Settings
from worker.topics import Cluster, Plan
from worker.wiring.kafka import owner, plan
from worker.wiring.kafka import terms as journal_terms

log = structlog.get_logger()


def restore(
    settings: Settings, cluster: Cluster, connection: Connection, publisher: Publisher, slots: Slots
) -> Restore:
    """A function that claims a partition: in the journal's topic or, where that is switched off, in memory alone."""
    terms = journal_terms(settings, cluster)
    journal = JournalTopic(settings.topics.journal, connection, publisher, settings.topics.requests)
    claims: Claims | DisabledJournal = Claims(journal, owner(settings), terms)
    if settings.journal.enabled:
        _tell_troubles(plan(settings), cluster, terms.window, connection)
    else:
        claims = DisabledJournal()
        log.warning("journal.disabled", detail="a crash can create customers twice (WORKER_JOURNAL__ENABLED=false)")

    async def restored(partition: int, kept: Restored | None, committed: int | None) -> Assignment:
        return Assignment(partition, await claims.claim(partition, kept, committed), claims.append, slots, terms)

    return restored


def _tell_troubles(ours: Plan, cluster: Cluster, window: float, connection: Connection) -> None:
    """Log in one line where the journal's topic is not as it should be; `check` says more."""
    if found := troubles(ours, cluster):
        detail = "; ".join(trouble.detail for trouble in found)
        options = tool_options(connection.bootstrap_servers, connection.security_protocol)
        command = alter(ours, cluster, found, options)
        log.warning("journal.misconfigured", topic=ours.journal, detail=detail, window=window, alter=command)
