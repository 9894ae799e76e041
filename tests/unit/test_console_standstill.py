"""Why it is not moving: the first of what may be in its way, in one sentence."""

from dataclasses import replace
from typing import get_args

import pytest

from worker.console.now.fleet import Fleet
from worker.console.now.replicas import Blocking, Hold, Owned, Replica, Silent
from worker.console.now.standstill import BINDS, HOLDS, STEPS, why
from worker.console.now.watching import Now
from worker.creation.holds import HoldReason
from worker.kafka.overview import Member, Overview, Waiting
from worker.model.records import OpenTransaction
from worker.ops.state import Bound
from worker.steps import Step

AT = 10_000.0


def owned(partition=0, blocking=None, lag=0):
    return Owned(partition, 5, lag, blocking)


def replica(address="a", *partitions, holds=(), state="running", bound_by="idle", **told):
    return Replica(address, address, "1", AT - 60, "g", state, tuple(holds), 0, 0, bound_by, partitions, **told)


def hold(reason=HoldReason.API_UNAVAILABLE, detail="timeout", since=AT - 300, partition=None):
    return Hold(str(reason), detail, since, partition)


def overview(*partitions, members=None, sharing=False):
    """Each (first, end, committed)."""
    waiting = {number: Waiting(*each) for number, each in enumerate(partitions or [(0, 5, 5)])}
    had = tuple(waiting)
    return Overview(tuple(members if members is not None else [Member("c", "10.0.0.1", had)]), sharing, waiting)


def now(*replicas, kafka=None, stands=None, silent=()):
    return Now(AT, "g", Fleet(replicas, tuple(silent)), overview() if kafka is None else kafka, stands or {})


def test_nobody_answers():
    """Whoever is in the group all the same is told."""
    members = [Member("c", "h", (0,)), Member("c", "h", ())]
    found = why(now(kafka=overview(members=members), silent=[Silent("a:1", "no connection")]))
    assert found.sentence == (
        "No worker answers: group g has 2 members, none of whom answers (WORKER_CONSOLE__WORKERS)."
    )
    assert found.kind == "bad"


def test_nobody_is_there():
    """The group is empty."""
    assert why(now(kafka=overview(members=[]))).sentence == "No worker is there: group g has no member."


def test_nobody_answers_and_neither_does_kafka():
    """What is not known is not made up."""
    assert "is not known either" in why(now(kafka="cannot use Kafka")).sentence


def test_only_another_group_answers():
    """Its workers are none of ours."""
    found = why(now(replace(replica(), group="other")))
    assert found.sentence == "No worker of group g answers: those that do are of other."


def test_a_hold():
    """With how long, why, and its section of the runbook."""
    found = why(now(replica("a", owned(), holds=[hold()]), replica("b", holds=[hold()]), replica("c")))
    assert found.sentence == (
        "2 of 3 workers are held for 5 min: the API cannot be reached, or fails (api_unavailable): timeout."
    )
    assert (found.kind, found.hold) == ("bad", "api_unavailable")


def test_a_hold_of_one_partition():
    """Names it; what holds all of them comes first."""
    of_one = hold(HoldReason.OFFSETS_LOST, "no offset", partition=3, since=1)
    assert why(now(replica("a", holds=[of_one]))).sentence.startswith("Partition 3 is held for 2 h 46 min: the group's")
    assert why(now(replica("a", holds=[of_one, hold()]))).hold == "api_unavailable"


def test_a_stop_is_the_last_hold_to_blame():
    """A worker that stops is no reason why the others do not move."""
    stopping = hold(HoldReason.STOPPING, "", since=1)
    assert why(now(replica("a", holds=[stopping]), replica("b", holds=[hold()]))).hold == "api_unavailable"
    found = why(now(replica("a", holds=[stopping]), replica("b")))
    assert (found.kind, found.sentence[:22]) == ("wait", "1 of 2 workers is held")


def test_a_hold_of_a_version_to_come():
    """Its reason is told as it is."""
    assert "(brand_new): because" in why(now(replica(holds=[hold("brand_new", "because")]))).sentence


def test_a_partition_that_nobody_has():
    """As Kafka says."""
    kafka = overview((0, 5, 5), (0, 5, 5), (0, 5, 5), members=[Member("c", "h", (1,))])
    assert why(now(replica(), kafka=kafka)).sentence == "Nobody has partitions 0, 2: the group has 1 member."


def test_a_group_that_shares_out():
    """Takes a moment, so that it is no fault."""
    found = why(now(replica(), kafka=overview(members=[Member("c", "h", ())], sharing=True)))
    assert (found.kind, "sharing out" in found.sentence) == ("wait", True)


def two_members(*partitions):
    """Of which each has one partition."""
    members = [Member("c", f"10.0.0.{number + 1}", (number,)) for number in range(2)]
    return overview(*partitions, members=members)


@pytest.mark.parametrize("bound", ["api", "idle"])
def test_a_worker_that_does_not_answer(bound):
    """That those move who answer is not that its partition does."""
    silent = [Silent("b:8080", "no answer within 2 s")]
    answers = replica("a", owned(0), bound_by=bound)
    found = why(now(answers, kafka=two_members((0, 5, 5), (0, 1505, 5)), silent=silent))
    assert found.sentence == (
        "Partition 1 is with a worker that does not answer: 1\u202f500 records wait there, or fewer."
    )
    assert found.kind == "bad"
    at_its_end = two_members((0, 5, 5), (0, 5, 5))
    assert why(now(replica("a", owned(0)), kafka=at_its_end, silent=silent)).sentence.startswith("Nothing waits")
    both = answers, replica("b", owned(1))
    assert "does not answer" not in why(now(*both, kafka=two_members((0, 9, 5), (0, 9, 5)))).sentence


def test_workers_that_are_not_asked():
    """Where everybody that the setting names has answered, it is not said that one does not."""
    found = why(now(replica("a", owned(0)), kafka=two_members((0, 5, 5), (0, 7, 5))))
    assert found.sentence == (
        "Partition 1 is with a worker that is not asked (WORKER_CONSOLE__WORKERS): 2 records wait there, or fewer."
    )


def test_restoring():
    """A hold of one partition that is told later than others."""
    restoring = hold(HoldReason.JOURNAL_RESTORING, "", partition=2, since=AT - 7)
    found = why(now(replica(holds=[restoring])))
    assert found.sentence == "The journal of partition 2 is being read for 7 s."
    assert why(now(replica(state="restoring"))).sentence == "The journal is being read."
    assert why(now(replica(holds=[restoring, hold()]))).hold == "api_unavailable"


def test_an_open_transaction():
    """As its worker says."""
    opened = owned(0, Blocking(7, 90.0, "open_transaction"))
    assert why(now(replica("a", opened))).sentence == (
        "Partition 0 waits at offset 7 for 1 min 30 s behind a transaction that its producer has not ended."
    )


def test_an_open_transaction_that_only_kafka_tells_of():
    """The worker that has the partition does not answer; that is no reason why its records wait, unless others do."""
    opened = Waiting(0, 9, 7, OpenTransaction(7, AT - 90))
    silent = [Silent("b:8080", "no answer within 2 s")]
    kafka = replace(two_members(), partitions={0: opened, 1: Waiting(0, 5, 5)})
    found = why(now(replica("a", owned(1)), kafka=kafka, silent=silent))
    assert found.sentence.startswith("Partition 0 waits at offset 7 for 1 min 30 s")
    behind = replace(kafka, partitions={**kafka.partitions, 0: replace(opened, committed=6)})
    assert "does not answer" in why(now(replica("a", owned(1)), kafka=behind, silent=silent)).sentence


def test_a_record_that_blocks():
    """The one that has stood longest, and what it is at; one that has just begun blocks nothing."""
    parts = owned(0, Blocking(7, 900.0, "look_up"), 3), owned(1, Blocking(8, 900.0, "post"), 3)
    busy = replica("a", *parts, bound_by="api")
    kafka = overview((0, 9, 5), (0, 9, 5))
    found = why(now(busy, kafka=kafka, stands={0: 130.0, 1: 40.0}))
    assert found.sentence == (
        "Partition 0 has stood at offset 7 for 2 min 10 s (and 1 other partition):"
        " its record is being looked up in the CRM (look_up)."
    )
    assert why(now(busy, kafka=kafka, stands={0: 19.0, 1: 2.0})).sentence.startswith("It moves.")


@pytest.mark.parametrize("bound", sorted(set(BINDS)))
def test_what_binds(bound):
    """Where nothing is in the way."""
    workers = replica("a", owned(0, lag=3), bound_by=bound), replica("b", bound_by="idle")
    found = why(now(*workers))
    assert found.sentence == f"It moves. 3 records wait; what binds is {BINDS[bound]} (1 of 2 workers)."
    assert found.kind == "good"


def test_nothing_waits():
    """That is the good end of it."""
    assert why(now(replica("a", owned()))).sentence == "Nothing waits: every record has ended."


def test_what_only_kafka_knows_is_a_bound():
    """Offsets of a log are not all records."""
    found = why(now(replica("a"), kafka=overview((0, 9, 5))))
    assert found.sentence == "4 records wait, or fewer; the workers have nothing in hand."


@pytest.mark.parametrize("lag", [0, 3])
def test_what_waits_is_not_told_without_kafka(lag):
    """Whoever answers knows its own partitions alone: that nothing waits in them is not that nothing waits."""
    silent = [Silent("b:1", "no connection")]
    found = why(now(replica("a", owned(lag=lag)), kafka="Kafka has not answered", silent=silent))
    assert found.sentence == "How many records wait is not told; the workers have nothing in hand."
    assert found.kind == "wait"


def test_what_an_older_version_does_not_say():
    """It is not told, and never a zero."""
    old = Replica("a", state="running", partitions=(Owned(0, None, None, None),))
    found = why(now(old, kafka="no right"))
    assert found.sentence == "How many records wait is not told; the workers do not say what binds them."


def test_one_sentence():
    """In every case: one full stop at its end, or two where it moves."""
    for each in (now(), now(replica()), now(replica(holds=[hold()])), now(kafka="x")):
        assert why(each).sentence.endswith(".")


def test_words_for_everything():
    """Whatever a worker of this version can say."""
    assert set(HOLDS) == set(HoldReason)
    assert set(STEPS) == {*Step, "queued", "open_transaction"}
    assert set(BINDS) | {"idle"} == set(get_args(Bound))
