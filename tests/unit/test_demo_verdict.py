from dataclasses import replace

import orjson
import pytest
from rich.console import Console

from worker.events.results import Results
from worker.model.commands import Request
from worker.model.outcomes import Failed, Outcome, Reason, ReasonCode, Succeeded, Violation
from worker.model.records import Position, Record
from worker.sandbox.api import CallLine, Ledger
from worker.sandbox.demo.endings import Ending, ending_of, endings
from worker.sandbox.demo.samples import Sample, load_samples
from worker.sandbox.demo.show import complaints, document, explanations, table
from worker.sandbox.demo.verdict import More, Posts, Row, Verdict, created_for, row, whole

SAMPLES = {sample.name: sample for sample in load_samples()}
GOOD, BROKEN, LOST = SAMPLES["required-json"], SAMPLES["three-broken-rules"], SAMPLES["reply-lost"]
REQUEST = Position("requests", 3, 7)
CREATED = Ending(REQUEST, "e-1", Position("t.succeeded", 3, 0), 1, "2801", "created")
UNKNOWN = Ending(REQUEST, "e-1", Position("t.dead-letters", 3, 0), 1, reason="outcome_unknown", message="who knows")


def announced(outcome: Outcome) -> Record:
    """The result event, as it is read back from partition 5, offset 9."""
    record = Record(REQUEST.topic, REQUEST.partition, REQUEST.offset, 0, b"k", b"{}")
    results = Results("urn:worker", "succeeded", "failed", "dead", "group")
    request = Request("urn:crm", "e-1")
    if isinstance(outcome, Succeeded):
        message = results.succeeded(outcome, record, request)
    else:
        message = results.failed(outcome, record, request, Position("dead", 3, 4))
    return Record(message.topic, 5, 9, 0, message.key, message.value, message.headers)


def ledger(*created: Sample) -> Ledger:
    written = Ledger()
    for number, sample in enumerate(created, 2801):
        written.append(sample.identity, "00", 201, number)
    return written


def posts(count: int) -> Posts:
    seen = Posts()
    for _ in range(count):
        seen(CallLine("POST", "/system/ws/v12/interaction/customer", 201, 0.1))
    return seen


def good_row() -> Row:
    return row(GOOD, REQUEST, CREATED, ("2801",))


async def test_succeeded_event() -> None:
    """A success ends where its result event lies."""
    ending = ending_of(announced(Succeeded("2801", "/x/2801", "individual", 2)))
    assert ending == replace(CREATED, place=Position("succeeded", 5, 9), attempts=2)
    assert ending.outcome == "succeeded"


def test_failed_event() -> None:
    """A failure ends where its dead letter lies, and tells every broken rule."""
    reason = Reason(ReasonCode.INVALID_CUSTOMER, "1 rule is broken", (Violation("role.value", "allowed_values"),))
    ending = ending_of(announced(Failed(reason)))
    assert (ending.outcome, ending.reason, ending.place) == ("failed", "invalid_customer", Position("dead", 3, 4))
    assert ending.broken_rules == ("role.value: allowed_values",)


async def test_endings_in_batches() -> None:
    """Every event of every batch is an ending; what others wrote and empty batches are passed over."""
    record = announced(Succeeded("2801", "/x/2801", "individual", 1))
    batches = iter([[], [record, replace(record, value=None), record], [replace(record, value=b"{}"), record]])

    class Given:
        async def poll(self, within: float) -> list[Record]:
            return next(batches)

    seen = []
    async for ending in endings(Given()):
        seen.append(ending)
        if len(seen) == 3:
            break
    assert {ending.customer_id for ending in seen} == {"2801"}


def test_as_expected() -> None:
    """Nothing differs when the ending is the sample's and the API holds that customer."""
    assert good_row().differences == ()
    assert row(LOST, REQUEST, UNKNOWN, ("2801",)).differences == ()


@pytest.mark.parametrize(
    ("sample", "ending", "customers", "difference"),
    [
        (GOOD, None, ("2801",), "no result event came"),
        (GOOD, CREATED, (), "the API created 0 customers, not 1"),
        (GOOD, CREATED, ("2801", "2802"), "the API created 2 customers, not 1"),
        (GOOD, CREATED, ("2802",), "customer 2801 is told, the API created 2802"),
        (GOOD, replace(CREATED, attempts=2), ("2801",), "attempts 2, not 1"),
        (GOOD, replace(CREATED, resolution="already_created"), ("2801",), "resolution already_created, not created"),
        (LOST, replace(UNKNOWN, reason="rejected"), ("2801",), "reason rejected, not outcome_unknown"),
        (LOST, UNKNOWN, ("2801", "2802"), "the API created 2 customers, not 1"),
        (BROKEN, replace(UNKNOWN, reason="invalid_customer", attempts=0), (), "broken rules none, not role.value"),
    ],
)
def test_difference(sample: Sample, ending: Ending | None, customers: tuple[str, ...], difference: str) -> None:
    """Each thing that a sample says is compared, and only what differs is told."""
    (told,) = row(sample, REQUEST, ending, customers).differences
    assert told.startswith(difference)


def test_ledger_by_identity() -> None:
    """What was refused created nobody; what was created twice has two ids."""
    written = ledger(GOOD, LOST, GOOD)
    written.append(BROKEN.identity, "00", 400)
    assert created_for(written) == {GOOD.identity: ("2801", "2803"), LOST.identity: ("2802",)}


def test_whole_agrees() -> None:
    """A repeat that was recognised is neither a POST nor a customer; a POST with a dead session is not counted."""
    seen = posts(1)
    seen(CallLine("POST", "/system/ws/v12/interaction/customer", 401, 0.1))
    seen(CallLine("POST", "/system/ws/v12/authentication/user/login", 204, 0.1))
    rows = [
        row(SAMPLES["twice-first"], REQUEST, CREATED, ("2801",)),
        row(SAMPLES["twice-second"], REQUEST, replace(CREATED, resolution="already_created"), ("2801",)),
    ]
    assert list(whole(rows, More(), ledger(SAMPLES["twice-first"]), seen)) == []


def test_whole_disagrees() -> None:
    """A second POST, a customer that nobody asked for, one that was created twice and one that is missing are told."""
    assert list(whole([good_row()], More(), ledger(GOOD), posts(2))) == [
        "the API saw 2 POSTs, the result events tell of 1 attempt"
    ]
    assert "the API created 2 customers, not 1" in list(whole([good_row()], More(), ledger(GOOD, LOST), posts(1)))
    assert "the API created 1 customer more than once" in list(
        whole([good_row()], More(), ledger(GOOD, GOOD), posts(1))
    )
    assert list(whole([good_row()], More(3, {"more-1": CREATED}), ledger(GOOD), posts(1))) == [
        "the API created 1 of 3 further customers"
    ]


def test_holds() -> None:
    """One difference or one problem is enough."""
    assert Verdict((good_row(),), More(), ()).holds
    assert not Verdict((good_row(),), More(), ("a problem",)).holds
    assert not Verdict((row(GOOD, REQUEST, None, ()),), More(), ()).holds


def shown(verdict: Verdict) -> str:
    console = Console(width=150, no_color=True)
    with console.capture() as captured:
        console.print(table(verdict, "t."))
    return captured.get()


def test_table() -> None:
    """A row says what became of an event and where, without what all topics have in common."""
    lost = row(LOST, REQUEST, UNKNOWN, ())
    lines = shown(Verdict((good_row(), lost, row(BROKEN, REQUEST, None, ())), More(), ())).splitlines()
    assert [line.split() for line in lines if line.strip()][2:5] == [
        ["required-json", "jack-json", "succeeded", "2801", "1", "succeeded/3@0", "✓"],
        ["reply-lost", "crm-1008", "failed", "outcome_unknown", "1", "dead-letters/3@0", "✗"],
        ["three-broken-rules", "crm-1004", "nothing", "came", "✗"],
    ]


def test_explanations() -> None:
    """Below the table stand the reasons with what would be allowed, and how the further customers went."""
    rules = (
        {"path": "role.value", "rule": "allowed_values", "allowed": ["A", "B"]},
        {"path": "pin", "rule": "max_length", "limit": 255},
    )
    broken = replace(UNKNOWN, reason="invalid_customer", message="2 rules are broken", violations=rules)
    verdict = Verdict((good_row(), row(BROKEN, REQUEST, broken, ())), More(1, {"more-1": CREATED}, 321.4), ())
    assert list(explanations(verdict)) == [
        "three-broken-rules: 2 rules are broken",
        "  role.value: allowed_values (A, B)",
        "  pin: max_length (255)",
        "1 of 1 more customer created, 321 events/s",
    ]


def test_complaints() -> None:
    """Every row that differs, every further customer that was not created, and every problem has a line."""
    verdict = Verdict((row(GOOD, REQUEST, None, ("1",)),), More(2, {"more-1": UNKNOWN}), ("a problem",))
    assert list(complaints(verdict)) == [
        "✗ required-json: no result event came",
        "✗ e-1: outcome_unknown",
        "✗ a problem",
    ]


def test_document() -> None:
    """Machines get the same: rows, differences, where the log stays."""
    verdict = Verdict((good_row(), row(LOST, REQUEST, None, ())), More(), ("a problem",))
    told = orjson.loads(orjson.dumps(document(verdict, "worker.log")))
    assert (told["holds"], told["problems"], told["workerLog"]) == (False, ["a problem"], "worker.log")
    first, second = told["events"]
    assert (first["outcome"], first["customerId"], first["asExpected"]) == ("succeeded", "2801", True)
    assert first["endedUpIn"] == {"topic": "t.succeeded", "partition": 3, "offset": 0}
    assert (second["outcome"], second["asExpected"]) == (None, False)
