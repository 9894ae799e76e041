"""The sandbox's ledger and its customers."""

from typing import Any

from worker.sandbox.api.customers import Customers
from worker.sandbox.api.ledger import Entry, Ledger, digest_of


def test_an_execution() -> None:
    """What is written down can be read again."""
    ledger = Ledger(clock=lambda: 12.5)
    digest = digest_of(b"body")
    assert ledger.append("event-1", digest, 201, 2801) == 1
    assert list(ledger.entries()) == [Entry(1, 12.5, "event-1", 2801, 201, reply_lost=False, digest=digest)]
    ledger.settle(1, 500, reply_lost=True)
    assert (ledger[1].status, ledger[1].reply_lost, ledger.replies_lost) == (500, True, 1)


def test_a_duplicate() -> None:
    """Two customers for one identity are a duplicate; a refusal of it is not."""
    ledger = Ledger()
    for identity, customer_id in (("a", 1), ("b", 2), ("b", None), ("a", 3), ("c", None)):
        ledger.append(identity, digest_of(b""), 201 if customer_id else 400, customer_id)
    assert ledger.duplicates == {"a": 2}
    assert [ledger.executions(each) for each in ("a", "b", "c", "d")] == [2, 1, 0, 0]
    assert (len(ledger), ledger.created, ledger.identities) == (5, 3, 2)
    assert [entry.sequence for entry in ledger.entries(after=3)] == [4, 5]


def test_a_full_ledger() -> None:
    """It says so."""
    ledger = Ledger(limit=1)
    assert not ledger.full
    ledger.append("a", digest_of(b""), 201, 1)
    assert ledger.full


def customer(*emails: str, department: str = "Service") -> dict[str, Any]:
    points = [{"type": {"value": "email", "email": {"emailAddress": email}}} for email in emails]
    person = {"firstName": "Jack", "lastName": "Jones", "contactPoints": {"contactPoint": points}}
    return {"department": {"name": department}, "contactPersons": {"contactPerson": [person]}}


def test_an_email_address_that_is_used() -> None:
    """It is taken everywhere, or in its department alone; twice in one customer it is taken too."""
    everywhere, per_department = Customers(), Customers(per_department=True)
    for customers in (everywhere, per_department):
        assert customers.add(customer("a@b.c")) == 2801
        assert customers.email_taken(customer("x@b.c", "a@b.c"))
        assert customers.email_taken(customer("x@b.c", "x@b.c"))
        assert not customers.email_taken(customer("x@b.c"))
    assert everywhere.email_taken(customer("a@b.c", department="Sales"))
    assert not per_department.email_taken(customer("a@b.c", department="Sales"))


def test_a_search_that_lags() -> None:
    """The customer exists at once and is found later."""
    now = [0.0]
    customers = Customers(lag=5, clock=lambda: now[0])
    customers.add(customer("a@b.c"))
    assert customers.find([("email", "a@b.c")]) == []
    now[0] = 5.0
    assert customers.find([("email", "a@b.c")]) == [2801]
    assert customers.find([("email", "a@b.c"), ("phone", "1")]) == []
    found = customers.get(2801)
    assert found is not None
    assert (found["id"], found["customerName"]) == ("2801", "Jack Jones")
    assert customers.get(2802) is None
    assert customers.get(0) is None
