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
}
"""What is wrong: (file below tests/, test)."""

RARE = {
    "read-before-the-claim": ("chaos/test_protocol.py", "test_without_a_guard"),
    "one-writer": ("chaos/test_protocol.py", "test_without_a_guard"),
    "evidence-not-believed": ("chaos/test_protocol.py", "test_without_a_guard"),
    "last-finish-wins": ("chaos/test_protocol.py", "test_without_a_guard"),
    "every-finish-counts": ("chaos/test_protocol.py", "test_without_a_guard"),
    "exists-not-written": ("chaos/test_protocol.py", "test_a_customer_without_an_id"),
    "places-not-known": ("chaos/test_protocol_places.py", "test_without_recall_by_offset"),
    "attempts-forgotten": ("unit/test_pipeline.py", "test_attempts_survive_a_restart"),
    "attempts-not-counted": ("unit/test_pipeline.py", "test_an_answer_that_means_not_now_for_ever"),
    "lease-from-the-ack": ("unit/test_pipeline.py", "test_a_process_frozen_between_intent_and_post"),
    "intent-not-awaited": ("unit/test_pipeline.py", "test_a_process_that_dies_at_any_step"),
    "finish-not-awaited": ("unit/test_pipeline.py", "test_the_order_of_a_record_s_life"),
    "believed-early": ("unit/test_pipeline.py", "test_the_order_of_a_record_s_life"),
    "an-open-intent-is-no-doubt": ("unit/test_pipeline.py", "test_a_process_that_dies_at_any_step"),
    "a-parked-doubt-is-over": ("unit/test_pipeline.py", "test_the_same_event_again_after_a_doubt"),
    "repeats-are-sent": ("unit/test_pipeline.py", "test_the_same_event_from_another_offset"),
    "letters-kept": ("unit/test_pipeline.py", "test_a_failed_event_that_cannot_be_published"),
    "settles-early": ("unit/test_pipeline.py", "test_a_look_up_after_a_crash"),
    "uncommitted-forgotten": ("unit/test_journal.py", "test_forgetting_the_oldest"),
    "committed-in-any-order": ("unit/test_offsets.py", "test_any_order_of_finishing"),
    "passed-over-work": ("unit/test_offsets.py", "test_passing_never_loses_a_record"),
    "slot-of-who-drained": ("unit/test_slots.py", "test_waits_that_end_early"),
    "fenced-for-good": ("unit/test_intake.py", "test_a_gap_in_a_partition_that_is_still_ours"),
    "lost-place-guessed": ("unit/test_beginnings.py", "test_a_place_that_is_lost"),
    "deleted-unread-not-told": ("unit/test_beginnings.py", "test_records_that_were_deleted_before_a_start"),
    "astray-for-good": ("unit/test_beginnings.py", "test_records_that_are_deleted_while_others_are_in_flight"),
    "odd-names-stop-all": ("system/test_odd_records.py", "test_odd_records"),
    "poisoned-producer-kept": ("edges/test_publisher.py", "test_a_producer_that_is_replaced_while_others_wait"),
    "outbox-begun-once": ("unit/test_outbox.py", "test_what_comes_while_a_batch_is_on_its_way"),
    "outbox-loses-one": ("unit/test_outbox.py", "test_large_messages_among_others"),
    "values-in-the-log": ("system/test_redaction.py", "test_marked_customers_and_secrets"),
}
"""Faults for which no story is kept: the same."""
