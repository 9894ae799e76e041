"""The order of one record's life, and what becomes of it after every kind of answer and every kind of end."""

import asyncio
import hashlib
from dataclasses import replace

import pytest
from builders import committable
from fakes import FakeJournalTopic
from patience import PATIENCE
from world import LOST, REJECTED, Found, World, record, state

from worker.creation.group_pace import GroupPace
from worker.creation.share import Share
from worker.intake.dispatch import Dispatch
from worker.journal.entries import Intent, is_claim
from worker.journal.lease import Moment
from worker.journal.recall import Ended
from worker.model.commands import Request
from worker.model.errors import (
    ApiUnavailable,
    CreatedIdUnknown,
    Draining,
    Fenced,
    LoginRefused,
    MessageTooLarge,
    OutcomeUnknown,
    RefusedForNow,
    SearchRefused,
)
from worker.model.outcomes import HttpAnswer, ReasonCode, Succeeded
from worker.model.progress import Progress
from worker.partition.assignment import Assignment
from worker.partition.slots import Slots


@pytest.fixture
async def world():
    return await World().again()


async def test_the_order_of_a_record_s_life(world):
    """Intent, POST, finished, published: each is there before the next begins."""
    order = []
    world.topics.before = lambda message: order.append(state(message) if message.topic == "journal" else message.topic)
    create = world.customers.create

    async def posted(command, before_sending):
        order.append("POST")
        return await create(command, before_sending)

    world.customers.create = posted
    await world.process(record())
    assert order == ["intent", "POST", "finished", "succeeded"]


async def test_when_the_next_of_a_key_may_begin(world):
    """Once the answer is there, while the outcome is on its way to the journal."""
    seen: list[object] = []
    world.topics.before = lambda message: seen.append((message.topic, world.customers.executed.total()))
    await world.pipeline.process(record(), world.assignment, lambda: seen.append("known"))
    assert seen == [("journal", 0), "known", ("journal", 1), ("succeeded", 1)]


@pytest.mark.parametrize(("found", "intents"), [(None, []), (["77"], ["intent", "intent"])])
async def test_as_many_calls_at_once_as_allowed(found, intents):
    """Others wait in the order in which they came: with their intent where a doubt can be looked up, else without."""
    world = await World(find=found and Found(found)).again()
    for _ in range(8):
        await world.pipeline.creation.limit.calls.acquire()
    both = asyncio.gather(*(world.process(record(n, f"e{n}", b"%d" % n)) for n in range(2)))
    for _ in range(50):
        await asyncio.sleep(0)
    assert world.journal() == intents
    assert world.customers.executed.total() == 0
    world.pipeline.creation.limit.calls.release()
    outcomes = await both
    assert [outcome.customer_id for outcome in outcomes] == ["2801", "2802"]


async def test_a_created_customer(world):
    """The event says who was made and for which record."""
    outcome = await world.process(record())
    assert outcome == Succeeded("2801", "/system/ws/v12/interaction/customer/2801", "individual", 1)
    (event,) = world.events("succeeded")
    assert event["data"]["customerId"] == "2801"
    assert event["data"]["request"] == {"id": "e1", "source": "test", "topic": "requests", "partition": 0, "offset": 0}


@pytest.mark.parametrize(
    "answer", [RefusedForNow(503), RefusedForNow(429, retry_after=0.001), ApiUnavailable("refused"), LoginRefused("no")]
)
async def test_an_answer_that_means_not_now(world, answer):
    """It is released and sent again; only an answer counts as an attempt."""
    world.customers.answers("e1", answer)
    outcome = await world.process(record())
    assert isinstance(outcome, Succeeded)
    assert outcome.attempts == (2 if isinstance(answer, RefusedForNow) else 1)
    assert world.journal() == ["intent", "released", "intent", "finished"]


async def test_a_login_that_is_out_of_reach(world):
    """No intent is written for a POST that cannot start."""
    world.customers.logins.extend([ApiUnavailable("down"), LoginRefused("401")])
    await world.process(record())
    assert world.journal() == ["intent", "finished"]


async def test_an_answer_that_means_not_now_for_ever(world):
    """After the last attempt it is a dead letter with the status."""
    world.customers.answers("e1", *[RefusedForNow(503, "503-100")] * 3)
    outcome = await world.process(record())
    assert outcome.reason.code is ReasonCode.RETRIES_EXHAUSTED
    assert (outcome.attempts, outcome.reason.http) == (3, HttpAnswer(503, "503-100"))
    assert world.customers.executed.total() == 0


async def test_a_last_refusal_during_an_outage(world):
    """It costs nothing while the API answers nobody, and the record is created when it does again."""
    world.customers.down = True
    world.customers.answers("e1", *[RefusedForNow(503)] * 12)
    running = asyncio.create_task(world.process(record()))
    while len(world.customers.script["e1"]) > 6:
        await asyncio.sleep(0)
    world.customers.down = False
    world.customers.script["e1"].clear()
    outcome = await running
    assert (type(outcome), outcome.attempts, world.events("failed")) == (Succeeded, 3, [])


async def test_a_last_refusal_while_others_are_refused_too(world):
    """Then it is not this record that is refused."""
    world.customers.answers("e1", *[RefusedForNow(503)] * 8)
    with pytest.raises(RefusedForNow):
        async with world.pipeline.creation.holds.permission(world.assignment.pause, "another"):
            raise RefusedForNow(503)
    outcome = await world.process(record())
    assert (type(outcome), outcome.attempts, world.events("failed")) == (Succeeded, 3, [])


async def test_a_last_refusal_after_others_were_parked(world):
    """Their way is over: the API answers others, and it is this record that is refused."""
    world.customers.answers("e0", OutcomeUnknown("timeout"))
    world.customers.answers("e1", *[RefusedForNow(503)] * 3)
    codes = [(await world.process(record(n, f"e{n}"))).reason.code for n in range(2)]
    assert codes == [ReasonCode.OUTCOME_UNKNOWN, ReasonCode.RETRIES_EXHAUSTED]


async def test_attempts_survive_a_restart(world):
    """The journal counts them."""
    world.customers.answers("e1", RefusedForNow(503), RefusedForNow(503))
    running = asyncio.create_task(world.process(record()))
    while world.journal().count("released") < 2:
        await asyncio.sleep(0)
    world.assignment.draining.set()
    with pytest.raises(Draining):
        await running
    await world.again()
    world.customers.answers("e1", RefusedForNow(503))
    outcome = await world.process(record())
    assert (outcome.reason.code, outcome.attempts) == (ReasonCode.RETRIES_EXHAUSTED, 3)


async def test_an_answer_that_never_comes(world):
    """It is parked, and never sent again."""
    world.customers.answers("e1", OutcomeUnknown("timeout"))
    outcome = await world.process(record())
    assert outcome.reason.code is ReasonCode.OUTCOME_UNKNOWN
    await world.again()
    await world.process(record())
    assert world.customers.executed.total() == 0
    assert len({event["id"] for event in world.events("failed")}) == 1


@pytest.mark.parametrize(("event", "reason"), [("e1", "rejected"), ("bad", "invalid_customer")])
async def test_what_cannot_be_retried(world, event, reason):
    """One dead letter with the original bytes, and one failed event that says where it is."""
    world.customers.answers("e1", REJECTED)
    await world.process(record(event=event))
    (letter,) = world.topics.of("dead")
    assert (letter.key, letter.value) == (b"k", event.encode())
    (failed,) = world.events("failed")
    assert failed["data"]["reason"]["code"] == reason
    assert failed["data"]["deadLetter"] == {"topic": "dead", "partition": 0, "offset": 0}


STEPS = ["intent", "finished", "succeeded"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("stored", [False, True])
async def test_a_process_that_dies_at_any_step(world, step, stored):
    """Whatever step it dies at, before or after the message is stored: one POST at most, one event id in the end."""

    class Killed(BaseException):
        """No except clause of ours sees it."""

    def kill(message):
        name = "claim" if is_claim(message.key) else state(message) if message.topic == "journal" else message.topic
        if name == step and not is_claim(message.key):
            if stored:
                world.topics.logs[message.topic, message.partition or 0].append(message)
            raise Killed

    world.topics.before = kill
    with pytest.raises(Killed):
        await world.process(record())
    world.topics.before = lambda _: None
    await world.again()
    outcome = await world.process(record())
    posted = world.customers.executed.total()
    ids = {event["id"] for topic in ("succeeded", "failed") for event in world.events(topic)}
    assert len(ids) == 1
    assert posted <= 1
    if isinstance(outcome, Succeeded):
        assert posted == 1
    else:
        assert outcome.reason.code is ReasonCode.OUTCOME_UNKNOWN


async def test_a_record_that_comes_again(world):
    """The same event is published, with the same id, and nothing is sent."""
    await world.process(record())
    await world.again()
    await world.process(record())
    first, second = world.events("succeeded")
    assert (first["id"], first["data"]) == (second["id"], second["data"])
    assert world.customers.executed == {"e1": 1}


@pytest.mark.parametrize("answer", [None, REJECTED, OutcomeUnknown("timeout")])
async def test_a_record_that_comes_again_and_was_told(world, answer):
    """The group's note says that its event and its dead letter are published: neither is once more."""
    world.customers.answers("e1", *filter(None, [answer]))
    before = await world.process(record())

    def told():
        return sum(len(log) for (topic, _), log in world.topics.logs.items() if topic != "journal")

    published = told()
    await world.again()
    world.assignment.offsets.begins(Progress(0, ((0, 1),)))
    assert await world.process(record()) == before
    assert told() == published == (2 if answer else 1)


async def test_a_record_that_was_told_by_another_journal(world):
    """What the journal does not know is worked on and told: the note alone ends nothing."""
    world.assignment.offsets.begins(Progress(0, ((0, 1),)))
    await world.process(record())
    assert len(world.events("succeeded")) == 1


async def test_the_same_event_from_another_offset(world):
    """It was created already; it gets an event of its own and no POST."""
    outcome = await world.process(record(0), record(1))
    assert outcome.resolution == "already_created"
    assert outcome.customer_id == "2801"
    assert world.customers.executed == {"e1": 1}
    assert len({event["id"] for event in world.events("succeeded")}) == 2


async def test_the_same_event_again_after_it_failed_for_certain(world):
    """Nothing was created, so that a replayed dead letter just works."""
    world.customers.answers("e1", REJECTED)
    outcome = await world.process(record(0), record(1))
    assert isinstance(outcome, Succeeded)


async def test_the_same_event_again_after_a_doubt(world):
    """It is not sent: the customer may exist."""
    world.customers.answers("e1", OutcomeUnknown("timeout"))
    outcome = await world.process(record(0), record(1))
    assert outcome.reason.code is ReasonCode.OUTCOME_UNKNOWN
    assert world.customers.executed.total() == 0


async def test_a_doubt_that_a_person_ends(world):
    """Its confirmation ends as succeeded without a POST; no repeat is sent then, after a crash or by anybody's word."""
    world.customers.answers("e1", OutcomeUnknown("timeout"))
    assert (await world.process(record(0))).reason.code is ReasonCode.OUTCOME_UNKNOWN
    outcome = await world.process(record(1, "e1=2801"))
    assert outcome == Succeeded("2801", "/system/ws/v12/interaction/customer/2801", "individual", 0, "confirmed")
    assert world.journal()[-1] == "finished"
    await world.again()
    accepted = replace(record(2), headers=(("worker-replay-of", b"0@0"), ("worker-accept-duplicates", b"true")))
    for repeat in (record(3), accepted):
        again = await world.process(repeat)
        assert (again.resolution, again.customer_id) == ("already_created", "2801")
    assert world.customers.executed.total() == 0
    assert [event["data"]["request"]["offset"] for event in world.events("failed")] == [0]


async def test_a_confirmation_that_comes_again(world):
    """Read once more, it says the same under the same id."""
    await world.process(record(0, "e1=2801"))
    await world.again()
    assert (await world.process(record(0, "e1=2801"))).resolution == "confirmed"
    first, second = world.events("succeeded")
    assert (first["id"], first["data"]) == (second["id"], second["data"])


async def test_a_confirmation_of_another_customer_than_is_known(world):
    """It is refused, with its dead letter, and changes nothing for the event."""
    await world.process(record(0))
    outcome = await world.process(record(1, "e1=77"))
    assert outcome.reason.code is ReasonCode.REFUSED
    (dead,) = world.topics.of("dead")
    assert dict(dead.headers)["worker-reason"] == b"refused"
    repeat = await world.process(record(2))
    assert (repeat.resolution, repeat.customer_id) == ("already_created", "2801")
    assert world.customers.executed == {"e1": 1}


async def test_refused_confirmations_are_no_flood(world):
    """They never met the API, so that they say nothing of it."""
    await world.process(record(0))
    for offset in range(1, 150):
        assert (await world.process(record(offset, "e1=77"))).reason.code is ReasonCode.REFUSED
    assert (await world.process(record(150, "e2"))).resolution == "created"


async def test_the_same_event_twice_at_once_with_different_keys(world):
    """The second waits for the first, and finds it created."""
    await asyncio.gather(world.process(record(0, key=b"a")), world.process(record(1, key=b"b")))
    assert world.customers.executed == {"e1": 1}
    assert sorted(event["data"]["resolution"] for event in world.events("succeeded")) == ["already_created", "created"]


async def test_an_outage_costs_no_attempts(world):
    """However long the API is away, the record is not given up."""
    world.customers.answers("e1", *[ApiUnavailable("refused")] * 30)
    outcome = await world.process(record())
    assert (outcome.attempts, world.events("failed")) == (1, [])


@pytest.mark.parametrize(
    ("found", "answers", "expected"),
    [
        ([["77"]], [LOST], ("reconciled", 1, 0)),
        ([[], ["77"]], [LOST], ("reconciled", 1, 0)),
        ([[]], [LOST], ("created", 2, 1)),
        ([[]], [LOST, LOST, LOST], ("retries_exhausted", 3, 0)),
        ([["77", "78"]], [LOST], ("outcome_unknown", 1, 0)),
        ([SearchRefused("403")], [LOST], ("outcome_unknown", 1, 0)),
        ([ApiUnavailable("down"), ["77"]], [LOST], ("reconciled", 1, 0)),
        ([LoginRefused("no"), ["77"]], [LOST], ("reconciled", 1, 0)),
        ([ApiUnavailable("500")], [LOST], ("outcome_unknown", 1, 0)),
        ([LoginRefused("401")], [LOST], ("outcome_unknown", 1, 0)),
        ([["77"]], [CreatedIdUnknown("201")], ("reconciled", 1, 0)),
        ([[]], [CreatedIdUnknown("201")], ("outcome_unknown", 1, 0)),
        ([[], [], ["77"]], [LOST, REJECTED], ("reconciled", 2, 0)),
        ([[]], [LOST, REJECTED], ("rejected", 2, 0)),
        ([[], [], SearchRefused("403")], [LOST, REJECTED], ("outcome_unknown", 2, 0)),
        ([[], [], ApiUnavailable("500")], [LOST, REJECTED], ("outcome_unknown", 2, 0)),
        ([[], [], ["77", "78"]], [LOST, REJECTED], ("outcome_unknown", 2, 0)),
    ],
)
async def test_a_look_up_after_a_lost_answer(found, answers, expected):
    """One hit is the customer, none is safe to send again (not after a 201), anything else is parked."""
    world = await World(find=Found(*found)).again()
    world.customers.answers("e1", *answers)
    outcome = await world.process(record())
    told = outcome.resolution if isinstance(outcome, Succeeded) else outcome.reason.code.value
    assert (told, outcome.attempts, world.customers.executed.total()) == expected


async def test_a_look_up_after_a_crash():
    """An open intent is looked up, not parked, and what is found is told as reconciled."""
    world = await World(find=Found(["77"])).again()
    await world.assignment.write(Request("test", "e1").event, 0, Intent(1))
    await world.again()
    outcome = await world.process(record())
    assert (outcome.resolution, outcome.customer_id, outcome.attempts) == ("reconciled", "77", 1)
    assert world.customers.executed.total() == 0


@pytest.mark.parametrize("of_others", [False, True])
@pytest.mark.parametrize("restarts", [0, 1, 2])
async def test_a_400_long_after_a_lost_answer(restarts, of_others):
    """However often the record was given back meanwhile, the 400 may be about the customer whom nobody found then."""
    world = await World(find=Found(*[[]] * (2 + of_others), ["77"]), of_others=of_others).again()
    world.customers.answers("e1", LOST, *[ApiUnavailable("refused")] * 5, RefusedForNow(429), REJECTED)
    for released in range(2, 2 + 2 * restarts, 2):
        running = asyncio.create_task(world.process(record()))
        while world.journal().count("released") < released:
            await asyncio.sleep(0)
        world.assignment.draining.set()
        with pytest.raises(Draining):
            await running
        await world.again()
    outcome = await world.process(record())
    assert (outcome.resolution, outcome.customer_id, outcome.attempts) == ("reconciled", "77", 3)
    assert world.assignment.journal.recall(Request("test", "e1").event, 0) == Ended(outcome)


async def test_a_record_in_doubt_that_is_not_valid_any_more(world):
    """Its customer may exist, so that it is not told as if nothing had been created."""
    await world.assignment.write(Request("test", "bad").event, 0, Intent(1))
    outcome = await world.process(record(event="bad"))
    assert outcome.reason.code is ReasonCode.OUTCOME_UNKNOWN


async def test_another_claim_before_the_post(world):
    """The gap shows at the intent's acknowledgement: nothing is sent."""
    await FakeJournalTopic(world.topics, claims=9).claim(0)
    with pytest.raises(Fenced):
        await world.process(record())
    assert (world.customers.executed.total(), world.events("succeeded")) == (0, [])


async def test_another_claim_during_the_post(world):
    """The gap shows at the finish: nothing is published, but what was created stays written as evidence."""
    create = world.customers.create

    async def slowly(command, before_sending):
        await FakeJournalTopic(world.topics, claims=9).claim(0)
        return await create(command, before_sending)

    world.customers.create = slowly
    with pytest.raises(Fenced):
        await world.process(record())
    assert (world.customers.executed.total(), world.events("succeeded")) == (1, [])
    world.customers.create = create
    await world.again()
    assert isinstance(await world.process(record()), Succeeded)
    assert world.customers.executed.total() == 1


async def test_a_process_frozen_between_intent_and_post(world):
    """The lease counts from before the intent was handed over; it is given back and taken anew."""
    moments = iter([Moment(0, 0), Moment(11, 0)])
    world.assignment.clock = lambda: next(moments, Moment(12, 0))
    outcome = await world.process(record())
    assert isinstance(outcome, Succeeded)
    assert world.journal() == ["intent", "released", "intent", "finished"]
    assert world.customers.executed.total() == 1


async def test_nearly_nothing_but_refusals():
    """After a full window of them no more is dead-lettered: the rest waits until customers can be created again."""
    world = await World(flood_window=4).again()
    for number in range(6):
        world.customers.answers(f"e{number}", *[REJECTED] * (1 if number < 3 else 3))
    outcomes = [await world.process(record(number, f"e{number}")) for number in range(3)]
    assert [outcome.reason.code for outcome in outcomes] == [ReasonCode.REJECTED] * 3
    outcome = await world.process(record(3, "e3"))
    assert isinstance(outcome, Succeeded)
    assert (outcome.attempts, len(world.topics.of("dead"))) == (1, 3)


async def test_a_dead_letter_that_does_not_fit(world):
    """It is published without its payload, and says so."""
    tried = []

    def small(message):
        if message.topic == "dead" and message.value:
            tried.append(message.compressed)
            raise MessageTooLarge("too large")

    world.topics.before = small
    await world.process(record(event="bad"))
    assert tried == [False, True]
    (letter,) = world.topics.of("dead")
    assert (letter.key, letter.value, dict(letter.headers)["worker-payload"]) == (b"k", None, b"omitted")


async def test_a_dead_letter_of_which_nothing_but_its_place_fits(world):
    """That is published, and the failed event says where."""

    def small(message):
        if message.topic == "dead" and (message.value or message.key):
            raise MessageTooLarge("too large")

    world.topics.before = small
    await world.process(replace(record(event="bad"), headers=(("large", b"x"),)))
    (letter,) = world.topics.of("dead")
    told = dict(letter.headers)
    assert (letter.key, letter.value, told["worker-original"], "large" in told) == (None, b"", b"omitted", False)
    (failed,) = world.events("failed")
    assert failed["data"]["deadLetter"] == {"topic": "dead", "partition": 0, "offset": 0}


@pytest.mark.parametrize(("event", "topic"), [("e1", "succeeded"), ("bad", "failed")])
async def test_an_event_whose_key_does_not_fit(world, event, topic):
    """It is published under the key's digest."""

    def small(message):
        if message.topic == topic and message.key == b"k":
            raise MessageTooLarge("too large")

    world.topics.before = small
    await world.process(record(event=event))
    (message,) = world.topics.of(topic)
    assert message.key == hashlib.sha256(b"k").hexdigest().encode()


async def test_a_failed_event_that_cannot_be_published(world):
    """Its dead letter is published once, however often the event is tried; then it says where that one is."""

    def refused(message):
        if message.topic == "failed":
            raise MessageTooLarge("too large")

    world.topics.before = refused
    for _ in range(3):
        with pytest.raises(MessageTooLarge):
            await world.process(record(event="bad"))
    world.topics.before = lambda _: None
    await world.process(record(event="bad"))
    assert len(world.topics.of("dead")) == 1
    (failed,) = world.events("failed")
    assert failed["data"]["deadLetter"]["offset"] == 0
    assert not world.pipeline.letters


RETURNED = (("worker-reason", b"outcome_unknown"), ("worker-event-source", b"test"), ("worker-event-id", b"e1"))


async def test_a_doubt_that_another_tool_brings_to_another_partition(world):
    """No journal here knows it, and the dead letter itself says that its customer may exist: nothing is sent."""
    outcome = await world.process(replace(record(5), headers=RETURNED))
    assert outcome.reason.code is ReasonCode.OUTCOME_UNKNOWN
    assert world.journal() == ["finished"]


async def test_a_doubt_that_another_tool_brings_back_and_a_look_up_settles():
    """Who is absent is created, who is found is not."""
    for found, resolution, made in (([], "created", 1), (["77"], "reconciled", 0)):
        world = await World(find=Found(found)).again()
        outcome = await world.process(replace(record(5), headers=RETURNED))
        assert (outcome.resolution, world.customers.executed.total()) == (resolution, made)


async def test_a_customer_without_an_id_that_another_tool_brings_to_another_partition():
    """It exists, so that no look-up that finds nothing makes its event sendable: now, repeated, after a restart."""
    world = await World(find=Found([])).again()
    returned = replace(record(5), headers=(*RETURNED, ("worker-customer-exists", b"true")))
    for each in (returned, record(6), None, record(7)):
        if each is None:
            await world.again()
        else:
            outcome = await world.process(each)
            assert outcome.reason.code is ReasonCode.OUTCOME_UNKNOWN
    assert world.customers.executed.total() == 0


async def test_a_dead_letter_of_a_certain_failure_that_another_tool_brings_back(world):
    """It is worked on as a repeat of its event."""
    headers = (("worker-reason", b"rejected"), *RETURNED[1:])
    assert isinstance(await world.process(replace(record(5), headers=headers)), Succeeded)
    again = await world.process(replace(record(6), headers=RETURNED))
    assert again.resolution == "already_created"


REPLAYED = (("worker-replay-of", b"0@3"), ("worker-replays", b"1"))
ACCEPTED = (*REPLAYED, ("worker-accept-duplicates", b"true"))


async def parked(world):
    """The record 0 of e1, whose customer may exist."""
    world.customers.answers("e1", OutcomeUnknown("lost"))
    outcome = await world.process(record(0))
    assert outcome.reason.code is ReasonCode.OUTCOME_UNKNOWN


async def test_a_replayed_doubt(world):
    """It is parked again: nobody has said that a second customer would do no harm."""
    await parked(world)
    outcome = await world.process(replace(record(1), headers=REPLAYED))
    assert outcome.reason.code is ReasonCode.OUTCOME_UNKNOWN
    assert not world.customers.executed


async def test_a_replayed_doubt_for_which_duplicates_are_accepted(world):
    """It is sent, with an intent of its own, and what it made answers every later repeat."""
    await parked(world)
    outcome = await world.process(replace(record(1), headers=ACCEPTED))
    assert isinstance(outcome, Succeeded)
    assert world.journal() == ["intent", "finished", "intent", "finished"]
    again = await world.process(replace(record(2), headers=ACCEPTED))
    assert again.resolution == "already_created"
    assert world.customers.executed["e1"] == 1


async def test_a_crash_while_an_accepted_replay_is_sent(world):
    """Its own open intent is a doubt like every other: one person's word stands for one POST, and it is parked."""
    await parked(world)
    world.customers.answers("e1", RuntimeError("killed"))
    with pytest.raises(RuntimeError, match="killed"):
        await world.process(replace(record(1), headers=ACCEPTED))
    await world.again()
    outcome = await world.process(replace(record(1), headers=ACCEPTED))
    assert outcome.reason.code is ReasonCode.OUTCOME_UNKNOWN
    assert not world.customers.executed


async def test_an_accepted_replay_beside_an_open_intent(world):
    """What nobody has settled was not what the person saw: the POST may be on its way at this moment."""
    await world.assignment.write(Request("test", "e1").event, 0, Intent(1))
    outcome = await world.process(replace(record(1), headers=ACCEPTED))
    assert outcome.reason.code is ReasonCode.OUTCOME_UNKNOWN
    assert not world.customers.executed


MADE_BEFORE = ("worker-customer-exists", b"true")


async def test_a_replay_of_a_customer_whom_the_journal_has_forgotten():
    """The API said that it made it: no look-up that finds nothing has it sent."""
    world = await World(find=Found([])).again()
    outcome = await world.process(replace(record(1), headers=(*REPLAYED, MADE_BEFORE)))
    assert outcome.reason.code is ReasonCode.OUTCOME_UNKNOWN
    assert not world.customers.executed


async def test_an_accepted_replay_of_a_customer_whom_the_journal_has_forgotten():
    """It is sent, and where it is lost nobody forgets that there was a customer before."""
    world = await World(find=Found([])).again()
    world.customers.answers("e1", OutcomeUnknown("lost"))
    outcome = await world.process(replace(record(1), headers=(*ACCEPTED, MADE_BEFORE)))
    assert (outcome.reason.code, outcome.attempts) == (ReasonCode.OUTCOME_UNKNOWN, 1)
    await world.again()
    assert (await world.process(record(2))).reason.code is ReasonCode.OUTCOME_UNKNOWN
    assert not world.customers.executed
    assert isinstance(await world.process(replace(record(3), headers=(*ACCEPTED, MADE_BEFORE))), Succeeded)


async def test_an_accepted_replay_that_is_lost_again(world):
    """It is parked anew, and needs a new word."""
    await parked(world)
    world.customers.answers("e1", OutcomeUnknown("lost"))
    for offset, headers in ((1, ACCEPTED), (1, ACCEPTED), (2, REPLAYED)):
        outcome = await world.process(replace(record(offset), headers=headers))
        assert outcome.reason.code is ReasonCode.OUTCOME_UNKNOWN
    assert not world.customers.executed
    assert world.journal().count("intent") == 2


async def test_an_accepted_replay_that_fails_for_certain(world):
    """What it was about stays in doubt, whatever the journal has forgotten: brought back, it needs a new word."""
    world.customers.answers("e1", REJECTED, REJECTED)
    perhaps = ("worker-customer-exists", b"perhaps")
    assert (await world.process(replace(record(1), headers=(*ACCEPTED, perhaps)))).reason.code is ReasonCode.REJECTED
    (letter,) = world.topics.of("dead")
    assert perhaps in letter.headers
    world = await World().again()
    outcome = await world.process(replace(record(2), headers=letter.headers))
    assert outcome.reason.code is ReasonCode.OUTCOME_UNKNOWN
    assert world.journal() == ["finished"]


# --- what records wait for --------------------------------------------------------------------------------------------

# (held, waited for), as worker.partition.slots orders them: all there may be; some need a hold at the right time.
PAIRS = {
    ("event", "permission"),
    ("event", "slot"),
    ("event", "call"),
    ("event", "time"),
    ("permission", "slot"),
    ("permission", "call"),
    ("permission", "time"),
    ("slot", "call"),
}


@pytest.fixture
async def troubled():
    """With a look-up, a limit on POSTs, and an API that fails in every way now and then."""
    world = await World(find=Found([])).again()
    object.__setattr__(world.pipeline.creation, "pace", pace := GroupPace(Share(1000)))
    pace.gain(0)
    troubles = [*[ApiUnavailable("down")] * 4, RefusedForNow(503), OutcomeUnknown("timeout")]
    for event in ("e0", "e1", "e2"):
        world.customers.answers(event, *troubles)
    return world


async def dispatched(world, slots):
    dispatch = Dispatch(world.pipeline.process, slots, max_uncommitted=100)
    kept = world.assignment
    dispatch.open(Assignment(0, kept.restored, kept.append, slots))
    return dispatch


async def ended(dispatch):
    async with asyncio.timeout(PATIENCE):
        while dispatch.in_flight():
            await asyncio.sleep(0.001)


async def test_everything_that_records_wait_for(troubled, waits):
    """Repeats of events among others, during a hold and after it, with two slots for all of them."""
    slots = Slots(2)
    dispatch = await dispatched(troubled, slots)
    for offset in range(30):
        dispatch.admit(record(offset, f"e{offset % 3}", b"%d" % (offset % 10)))
    await ended(dispatch)
    assert committable(dispatch) == {0: 30}
    assert troubled.customers.executed == {"e0": 1, "e1": 1, "e2": 1}
    assert {("event", "slot"), ("event", "time"), ("slot", "call")} <= waits.pairs <= PAIRS
    assert slots.free == 2


async def test_a_wait_with_a_slot_is_seen(troubled, waits, monkeypatch):
    """What this file is for: the same records, waiting for their event with a slot in hand, stand still."""

    async def with_the_slot(awaited):
        await awaited

    monkeypatch.setattr(Assignment, "alone_with", lambda self, event: self._locks.of(event, with_the_slot))
    slots = Slots(2)
    dispatch = await dispatched(troubled, slots)
    for offset in range(4):
        dispatch.admit(record(offset, "e0", b"%d" % offset))
    async with asyncio.timeout(PATIENCE):
        while not slots._waiting:
            await asyncio.sleep(0.001)
    for task in dispatch._open[0].tasks:
        task.cancel()
    await ended(dispatch)
    assert waits.circular() == {("slot", "event")}
    waits.pairs.clear()
