"""What the journal's topic does remember, and what `run` says of it."""

import pytest

from worker import wiring
from worker.journal.topic_config import kept_window, troubles
from worker.kafka.connection import Connection
from worker.settings.settings import Settings
from worker.topics import DAY, Cluster, Plan, Topic, wanted
from worker.wiring import journal

PLAN = Plan("requests", "succeeded", "failed", "dead-letters", "journal")
KAFKA = Connection("kafka:9092")


def cluster(**changes):
    """Three brokers, and the journal as it is made but for these entries."""
    specs = wanted(PLAN, Cluster(3, {}))
    topics = {spec.name: Topic(spec.name, spec.partitions, spec.replication, dict(spec.config)) for spec in specs}
    altered = {name.replace("_", "."): text for name, text in changes.items()}
    topics["journal"] = Topic("journal", 6, 3, {**(topics["journal"].config or {}), **altered})
    return Cluster(3, topics)


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        ({}, 86_400),
        ({"retention_ms": str(DAY // 4)}, 21_600),
        ({"retention_ms": "-1"}, 86_400),
        ({"retention_ms": str(DAY // 4), "cleanup_policy": "compact"}, 86_400),
    ],
)
def test_the_window(changes, seconds):
    """As long as it is to be, or as long as the topic keeps what is written."""
    assert kept_window(PLAN, cluster(**changes)) == seconds


def test_the_window_of_a_topic_that_may_not_be_read():
    """What is not known is believed."""
    assert kept_window(PLAN, Cluster(3, {"journal": Topic("journal", 6, 3)})) == 86_400
    assert kept_window(PLAN, Cluster(3, {})) == 86_400


def test_what_holds_for_every_claim():
    """The window is what is true; whose a journal is, is said again long before retention takes it."""
    settings = Settings.model_validate({"topics": {"journal": "journal"}})
    terms = wiring.terms(settings, cluster(retention_ms=str(DAY // 4)))
    assert (terms.window, terms.renewal) == (21_600, 5_400)
    assert wiring.terms(settings, cluster()).renewal == 21_600
    assert wiring.owner(settings) == ("customer-worker", "customer.create.requests")


def test_a_topic_as_it_should_be(told):
    """Nothing is said."""
    assert troubles(PLAN, cluster()) == []
    journal._tell_troubles(PLAN, cluster(), 86_400, KAFKA)
    assert told == []


def test_a_topic_that_loses_entries(told):
    """It is told in one line, what is grave first, with the command that alters all of it; nothing is refused."""
    losing = cluster(retention_bytes="1000", segment_bytes="99", retention_ms=str(DAY // 4))
    journal._tell_troubles(PLAN, losing, 21_600, KAFKA)
    (line,) = told
    assert (line["event"], line["log_level"], line["topic"], line["window"]) == (
        "journal.misconfigured",
        "warning",
        "journal",
        21_600,
    )
    assert line["detail"].startswith("keeps 21600 s, less than its window (WORKER_JOURNAL__WINDOW); can lose entries")
    assert line["detail"].endswith("; segment.bytes 99, not 16777216")
    assert line["alter"].startswith("kafka-configs.sh --bootstrap-server kafka:9092 --alter --entity-type topics ")
    assert line["alter"].endswith(f"--add-config retention.ms={7 * DAY},retention.bytes=-1,segment.bytes=16777216")


def test_a_topic_whose_configuration_may_not_be_read():
    """Nothing is claimed about what is not known."""
    assert troubles(PLAN, Cluster(3, {"journal": Topic("journal", 6, 3)})) == []
