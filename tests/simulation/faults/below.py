"""Faults below the border of the simulation, or too rare in it: each with the test that finds it instead."""

BELOW = {
    "a request that has begun to leave is taken for one that never left": (
        "edges/test_sent_or_not.py",
        "test_a_failure_after_something_was_sent",
    ),
    "the last look is before the wait for a connection": (
        "edges/test_sent_or_not.py",
        "test_when_the_last_look_is_asked",
    ),
    "a redirect is followed, and its answer believed": ("edges/test_answers_over_http.py", "test_every_status"),
    "five hundred calls log in five hundred times": (
        "edges/test_customer_api.py",
        "test_five_hundred_calls_meet_an_expired_session",
    ),
    "a send that nobody waits for any more is taken back": (
        "edges/test_publisher.py",
        "test_publishers_that_are_cancelled",
    ),
    "one message that is too large stops its partition for good": (
        "edges/test_publisher.py",
        "test_one_of_several_that_is_too_large",
    ),
    "a topic that is deleted and made again is taken for the one before": (
        "system/test_deleted_topics.py",
        "test_deleted",
    ),
    "what was kept of a partition counts, whoever wrote to it since": (
        "claiming.py",
        "test_a_partition_that_comes_back_from_somebody_else",
    ),
    "two deployments share one journal unnoticed": ("claiming.py", "test_two_deployments_at_once"),
    "the version before does not read what this one writes": ("system/test_upgrade.py", "test_there_and_back"),
    "customers' values stand in a log line of aiokafka's, or in a trace": (
        "system/test_redaction.py",
        "test_marked_customers_and_secrets",
    ),
    "stopping a client waits for brokers that are gone": (
        "unit/test_kafka_connection.py",
        "test_client_that_never_stops",
    ),
    "what came on an idle connection is taken for the answer to the next creation": (
        "edges/test_answers_to_nothing.py",
        "test_an_answer_on_an_idle_connection",
    ),
    "a place that an earlier claim looked for moves the reading of the next one": (
        "unit/test_beginnings.py",
        "test_a_place_that_is_looked_for_by_an_earlier_claim",
    ),
    "the end of the client's membership task ends the worker": (
        "edges/test_membership_revived.py",
        "test_a_membership_that_was_cancelled",
    ),
    "records whose places are out of order end whoever reads them": (
        "unit/test_reading.py",
        "test_a_batch_that_nobody_can_read",
    ),
}
"""What is wrong: (file below tests/, test)."""

ELSEWHERE = {
    "read-before-the-claim": ("unit/test_claim.py", "test_a_log_that_is_made_anew_between_look_and_claim"),
    "one-writer": ("chaos/test_protocol_claims.py", "test_two_deployments"),
    "evidence-not-believed": ("unit/test_journal.py", "test_a_customer_of_a_record_that_was_another_event"),
    "last-finish-wins": ("unit/test_journal.py", "test_recalling_the_record_at_offset_5"),
    "every-finish-counts": ("unit/test_journal.py", "test_a_customer_of_a_record_that_was_another_event"),
    "slot-of-who-drained": ("unit/test_slots.py", "test_a_slot_that_comes_with_the_end_of_the_wait"),
    "fenced-for-good": ("unit/test_intake.py", "test_a_gap_in_a_partition_that_is_still_ours"),
    "poisoned-producer-kept": ("edges/test_publisher.py", "test_a_producer_that_is_replaced_while_others_wait"),
}
"""Faults for which it takes too many stories: the same. `tests/simulation/mutants --elsewhere` runs these tests."""
