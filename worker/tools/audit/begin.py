"""Where the audit begins: at a given time, where it was stopped, or at the beginning of everything."""

from worker.intake.beginnings import Start
from worker.kafka.group import Group
from worker.tools.audit.rounds import Rounds
from worker.tools.audit.topics import ends
from worker.tools.verification.scan import SKEW, beginnings


async def begun(rounds: Rounds, group: Group, since: int | None, start: Start = "earliest") -> None:
    """Set the rounds to where they begin.

    At `since` (milliseconds since the epoch) if given, else where it was stopped.

    `start` is where the worker's group began, by its setting. Raises KafkaUnavailable, and may be called again then.
    """
    await rounds.topics.look()
    if since is not None:
        await _at(rounds, since)
    else:
        await _stored(rounds, group, start)


async def _at(rounds: Rounds, since: int) -> None:
    topics, requests = rounds.topics, rounds.topics.plan.requests
    for number, offset in (await topics.now[requests].at(since)).items():
        rounds.judge.begin(number, offset)
        rounds.unread[number] = offset
    for topic in ends(topics.plan):
        rounds.positions.next[topic] = await topics.now[topic].at(since - SKEW)
    # Requests that a producer's clock has dated out of order may have ended before anything of that is read.
    rounds.since, rounds.old = since, {number: end for number, (_, end) in topics.spans(requests).items()}


async def _stored(rounds: Rounds, group: Group, start: Start) -> None:
    topics, requests = rounds.topics, rounds.topics.plan.requests
    judged = await group.stored(requests)
    rounds.begins = {} if judged else dict(await beginnings(topics.now[requests], start))
    for number, (first, end) in topics.spans(requests).items():
        known = judged.get(number)
        rounds.judge.begin(number, known.offset if known and first <= known.offset <= end else first)
    for topic in ends(topics.plan):
        known_of = await group.stored(topic) if judged else {}
        rounds.positions.next[topic] = {
            # From 0 on, so that a log which does not begin there any more is noticed.
            number: known_of[number].offset if number in known_of else 0
            for number in topics.spans(topic)
        }
