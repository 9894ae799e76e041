"""The record that a dead letter is of, as the worker received it."""

from worker.kafka.places import places
from worker.model.records import Record
from worker.tools.dead_letters.letters import Letter
from worker.tools.dead_letters.replay import is_original
from worker.tools.dead_letters.topic import Topics


async def received(found: Topics, which: Letter, record: Record) -> Record | None:
    """None where it is of another topic or partition than there are, or was left out and is nowhere else.

    A record that is still at its place tells everything, with its key and headers where the letter has none of them.
    """
    request = which.request
    if request is None or which.topic != found.plan.requests or request.partition >= found.requests:
        return None
    if which.omitted:
        async with places(found.connection, found.plan.requests) as topic:
            was = await topic.at(request.partition, request.offset)
        return was if was and is_original(was, which, record) else None
    value = None if which.null else record.value
    return Record(found.plan.requests, *request, which.requested or 0, record.key, value, record.headers)
