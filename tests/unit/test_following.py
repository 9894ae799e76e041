"""What becomes of replayed records, as the result topics tell it."""

import orjson

from worker.events.results import Results
from worker.model.commands import Request
from worker.model.outcomes import Failed, Reason, ReasonCode, Succeeded
from worker.model.records import Position, Record
from worker.tools.dead_letters.following import endings
from worker.tools.reading.place import Place

RESULTS = Results("urn:worker", "succeeded", "failed", "dead", "group")
CREATED = Succeeded("2801", "/x/2801", "individual", 1)
REFUSED = Failed(Reason(ReasonCode.REJECTED, "no"), 1)


def announced(outcome, offset, topic="requests"):
    request = Record(topic, 0, offset, 0, None, b"{}")
    if isinstance(outcome, Succeeded):
        message = RESULTS.succeeded(outcome, request, Request("urn:crm", "e"))
    else:
        message = RESULTS.failed(outcome, request, Request("urn:crm", "e"), Position("dead", 3, 4))
    return Record(message.topic, 0, 0, 0, None, message.value)


def forged(record):
    return Record(record.topic, 0, 0, 0, None, orjson.dumps(orjson.loads(record.value) | {"id": "another"}))


class Topics:
    """Everything at once, and then nothing."""

    def __init__(self, *records):
        self.records = list(records)

    async def poll(self, within):
        found, self.records = self.records, []
        return found


async def test_what_is_awaited_is_told_once():
    """Events of other topics, of records that nobody awaits and of others' making are passed over."""
    awaited = {Place(0, 7): Place(1, 70), Place(0, 8): Place(1, 80)}
    topics = Topics(
        Record("succeeded", 0, 0, 0, None, b"no JSON"),
        forged(announced(CREATED, 7)),
        announced(CREATED, 7, "others"),
        announced(CREATED, 9),
        announced(CREATED, 7),
        announced(CREATED, 7),
        announced(REFUSED, 8),
    )
    told = [str(each) async for each in endings(topics, "requests", awaited, 30)]
    assert told == [
        "1@70 -> 0@7: succeeded, customer 2801 (created)",
        "1@80 -> 0@8: failed again, rejected: no (dead letter 3@4)",
    ]
    assert awaited == {}
