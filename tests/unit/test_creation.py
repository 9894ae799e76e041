"""What is known of a customer stays known, whatever becomes of the process, the event's repeats and the look-up."""

import asyncio
from dataclasses import dataclass, replace
from itertools import count

import pytest
from builders import committable
from patience import PATIENCE, turns, until
from world import LOST, REJECTED, Found, World, record

from worker.creation.attempt import NotMade
from worker.creation.backoff import Backoff
from worker.creation.breaker import Breaker
from worker.creation.group_pace import ANY_TIME, EARLY, GroupPace, Place
from worker.creation.holds import HoldReason
from worker.creation.share import ON_TIME, Share
from worker.intake.dispatch import Dispatch
from worker.journal.entries import Intent, decode, is_claim
from worker.journal.lease import Moment
from worker.journal.recall import InDoubt
from worker.journal.terms import Terms
from worker.model.commands import Request
from worker.model.errors import ApiUnavailable, CreatedIdUnknown, Draining, Fenced, OutcomeUnknown, RefusedForNow
from worker.model.evidence import Evidence
from worker.model.outcomes import ReasonCode, Succeeded
from worker.partition.assignment import Assignment
from worker.partition.slots import Slots

NOWHERE = CreatedIdUnknown("the API answered 201 without a usable Location: created, id unknown")
REPLAYED = (("worker-replay-of", b"0@3"), ("worker-replays", b"1"))
ACCEPTED = (*REPLAYED, ("worker-accept-duplicates", b"true"))
EVENT = Request("test", "e1").event


async def begun(**given):
    """A world with its first process."""
    return await World(**given).again()


def posts(world):
    """The events of the POSTs that were sent from now on."""
    sent, create = [], world.customers.create

    async def posted(command, before_sending):
        def seen():
            if not (wait := before_sending()):
                sent.append(command.request.id)
            return wait

        return await create(command, seen)

    world.customers.create = posted
    return sent


def entries(world):
    """What was written: state and evidence."""
    written = [message for message in world.topics.of("journal") if not is_claim(message.key)]
    read = [decode(message.value or b"", message.headers) for message in written]
    return [(entry.state, getattr(entry, "evidence", None)) for entry in read]


def code(outcome):
    """What it is told as."""
    return outcome.resolution if isinstance(outcome, Succeeded) else outcome.reason.code.value


# --- a flood ----------------------------------------------------------------------------------------------------------


async def test_a_customer_that_is_created_among_refusals():
    """The hundredth answer fills the window of a flood; it is a customer, told and made once."""
    world = await begun(flood_window=100)
    for number in range(95):
        world.customers.answers(f"e{number}", REJECTED)
    for number in range(100):
        outcome = await world.process(record(number, f"e{number}"))
    assert isinstance(outcome, Succeeded)
    assert set(world.customers.executed.values()) == {1}
    assert world.pipeline.creation.holds.reasons() == []
    assert "released" not in world.journal()


def test_what_can_be_released():
    """A customer that was made, or may have been, is no reason."""
    made = {"Succeeded", "Doubt", "Created", "OutcomeUnknown", "CreatedIdUnknown"}
    assert not {name for name in made if name in str(NotMade.__annotations__["why"])}


async def test_a_flood_whose_session_has_died():
    """Its probe logs in anew before it is sent."""
    world = await begun(flood_window=4)
    for number in range(4):
        world.customers.answers(f"e{number}", REJECTED)
    outcomes = [await world.process(record(number, f"e{number}")) for number in range(4)]
    assert [code(outcome) for outcome in outcomes] == ["rejected"] * 3 + ["created"]
    assert world.customers.renewals == 1


# --- created, id unknown ----------------------------------------------------------------------------------------------


async def test_created_without_an_id():
    """It stands in the journal before anybody looks, and its end says so, too."""
    world = await begun(find=Found([]))
    sent = posts(world)
    world.customers.answers("e1", NOWHERE)
    outcome = await world.process(record())
    assert (code(outcome), outcome.attempts, sent) == ("outcome_unknown", 1, ["e1"])
    assert outcome.reason.message.startswith("the customer exists, and nobody knows under which id: ")
    known = Evidence(exists=True)
    assert entries(world) == [("intent", Evidence()), ("intent", known), ("finished", known)]


@pytest.mark.parametrize("headers", [(), REPLAYED])
@pytest.mark.parametrize("restarted", [False, True])
async def test_a_repeat_of_what_was_created_without_an_id(headers, restarted):
    """By a producer or by a replay, in this process or in the next one: no look-up that finds nothing has it sent."""
    world = await begun(find=Found([]))
    sent = posts(world)
    world.customers.answers("e1", NOWHERE)
    await world.process(record())
    if restarted:
        await world.again()
    for offset in (1, 2):
        assert code(await world.process(replace(record(offset), headers=headers))) == "outcome_unknown"
    assert sent == ["e1"]


async def test_a_repeat_of_which_alone_the_journal_is_left():
    """Retention took the first record's entries: the repeat's own end says that the customer exists."""
    world = await begun(find=Found([]))
    sent = posts(world)
    world.customers.answers("e1", NOWHERE)
    await world.process(record(0), record(1))
    journal = world.topics.logs["journal", 0]
    journal[:] = [message for message in journal if is_claim(message.key) or b"/1/" in message.key]
    await world.again()
    assert code(await world.process(record(2))) == "outcome_unknown"
    assert sent == ["e1"]


@pytest.mark.parametrize("found", [[], ["77"]])
async def test_a_crash_while_what_was_created_without_an_id_is_looked_up(found):
    """The next process knows that it exists: found it is reconciled, and never sent."""
    world = await begun(find=Found([]))
    sent = posts(world)
    world.customers.answers("e1", NOWHERE)
    running = asyncio.create_task(world.process(record()))
    while world.journal() != ["intent", "intent"]:
        await asyncio.sleep(0)
    running.cancel()
    world.find = Found(found)
    await world.again()
    known = world.assignment.journal.recall(EVENT, 0)
    assert (type(known), known.attempts, known.exists) == (InDoubt, 1, True)
    assert code(await world.process(record())) == ("reconciled" if found else "outcome_unknown")
    assert sent == ["e1"]


async def test_a_repeat_that_is_not_valid_any_more():
    """Its end says that the customer exists as well."""
    world = await begun()
    await world.assignment.write(Request("test", "bad").event, 0, Intent(1, evidence=Evidence(exists=True)))
    outcome = await world.process(record(1, "bad"))
    assert outcome.reason.message.startswith("the customer exists")
    assert entries(world)[-1] == ("finished", Evidence(exists=True))


async def test_a_look_up_that_becomes_possible_later():
    """Parked without one; a replay finds it where it can be found."""
    world = await begun()
    sent = posts(world)
    world.customers.answers("e1", NOWHERE)
    assert code(await world.process(record())) == "outcome_unknown"
    world.find = Found([], [], ["77"])
    await world.again()
    assert code(await world.process(replace(record(1), headers=REPLAYED))) == "outcome_unknown"
    assert code(await world.process(replace(record(2), headers=REPLAYED))) == "reconciled"
    assert sent == ["e1"]


async def test_accepting_a_second_customer():
    """That alone has it sent again; where that answer is lost a look-up that finds nothing is not trusted again."""
    world = await begun(find=Found([]))
    sent = posts(world)
    world.customers.answers("e1", NOWHERE, LOST)
    await world.process(record())
    assert code(await world.process(replace(record(1), headers=ACCEPTED))) == "outcome_unknown"
    assert sent == ["e1", "e1"]
    assert code(await world.process(replace(record(2), headers=ACCEPTED))) == "created"
    assert sent == ["e1", "e1", "e1"]


async def test_created_without_an_id_by_who_has_lost_the_partition():
    """It says so all the same, for the next owner."""
    world = await begun(find=Found([]))
    create = world.customers.create

    async def fenced(command, before_sending):
        world.assignment.restored.fence.broken = True
        raise NOWHERE

    world.customers.create = fenced
    with pytest.raises(Fenced):
        await world.process(record())
    world.customers.create = create
    await world.again()
    assert world.assignment.journal.recall(EVENT, 0).exists


# --- an e-mail address may be somebody else's -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "told", "known"),
    [
        ([], ["77"], "reconciled", ()),
        (["5"], ["5"], "outcome_unknown", ("5",)),
        (["5"], ["77"], "outcome_unknown", ("5",)),
        (["5"], ["5", "77"], "outcome_unknown", ("5",)),
        ([], ["5", "77"], "outcome_unknown", ()),
        (ApiUnavailable("500"), ["77"], "outcome_unknown", None),
        (RefusedForNow(429), ["77"], "outcome_unknown", None),
        (["5"], [], "created", ("5",)),
        ([], [], "created", ()),
    ],
)
async def test_a_search_before_the_first_post(before, after, told, known):
    """A hit after a doubt is ours only where there was none before; the first intent remembers what there was."""
    world = await begun(find=Found(before, after), of_others=True)
    world.customers.answers("e1", LOST)
    assert code(await world.process(record())) == told
    assert entries(world)[0] == ("intent", Evidence(found_before=known))


@pytest.mark.parametrize(
    ("before", "told"), [([], "reconciled"), (["5"], "outcome_unknown"), (ApiUnavailable("500"), "outcome_unknown")]
)
async def test_a_400_after_a_doubt(before, told):
    """Who has that address now may be our own customer; that it was refused for certain is said only of nobody's."""
    world = await begun(find=Found(before, [], [], ["77"]), of_others=True)
    world.customers.answers("e1", LOST, REJECTED)
    assert code(await world.process(record())) == told


@pytest.mark.parametrize(("before", "told"), [([], "reconciled"), (["5"], "outcome_unknown")])
async def test_what_was_there_before_a_crash(before, told):
    """The next process asks the journal, not the API: what it would find now may be our own customer."""
    world = await begun(find=Found(before, ["77"]), of_others=True)
    world.customers.answers("e1", RuntimeError("killed"))
    with pytest.raises(RuntimeError):
        await world.process(record())
    await world.again()
    assert code(await world.process(record())) == told
    assert not world.customers.executed


@pytest.mark.parametrize(("before", "told"), [([], "reconciled"), (["5"], "outcome_unknown")])
async def test_what_was_there_before_a_record_that_was_parked(before, told):
    """A repeat of the event knows it as well, in the next process, too."""
    world = await begun(find=Found(before, ApiUnavailable("500")), of_others=True)
    world.customers.answers("e1", LOST)
    assert code(await world.process(record())) == "outcome_unknown"
    world.find = Found(["77"])
    await world.again()
    assert code(await world.process(record(1))) == told
    assert not world.customers.executed


async def test_an_intent_of_an_earlier_version():
    """It does not say what was there before: no hit is believed."""
    world = await begun(find=Found(["77"]), of_others=True)
    await world.assignment.write(EVENT, 0, Intent(1))
    outcome = await world.process(record())
    assert code(outcome) == "outcome_unknown"
    assert outcome.reason.message.endswith("it is not known whether there was one before")


@pytest.mark.parametrize(("seconds", "asked"), [(0, 1), (100, 3)])
async def test_how_often_is_searched_before(seconds, asked):
    """Once a record that is refused for now, if what was found is not older than a search may lag; beside MAX_RATE."""
    world = await begun(find=Found([]), of_others=True)
    times = count(0, seconds)
    world.assignment.clock = lambda: Moment(0, 0) if not seconds else Moment(now := next(times), now)
    world.assignment.terms = Terms(intent_ttl=1_000_000)
    pace = Counting(Share(10_000))
    pace.gain(0)
    object.__setattr__(world.pipeline.creation, "pace", pace)
    world.customers.answers("e1", RefusedForNow(503), RefusedForNow(503))
    await world.process(record())
    assert (world.find.asked, pace.asked) == (asked, 3)


@dataclass(eq=False)
class Counting(GroupPace):
    """Counts who asks for a moment."""

    asked: int = 0

    async def place(self, *args, **kwargs):
        self.asked += 1
        return await super().place(*args, **kwargs)


class Missed(GroupPace):
    """The first moment comes so soon; who misses it has another one hours later, or by that rate."""

    def __init__(self, soon, rate=0.001):
        super().__init__(Share(rate, lambda: 12))
        self.gain(0)
        self.soon = [soon]

    async def place(self, *args, **kwargs):
        return Place(self, self.clock() + self.soon.pop()) if self.soon else ANY_TIME


@pytest.mark.parametrize("soon", [-60, 0.02])
async def test_a_moment_that_was_missed(soon):
    """Before a connection was taken or while it was: the next one is not waited for with an intent that grows old."""
    world = await begun()
    object.__setattr__(world.pipeline.creation, "pace", Missed(soon))
    create = world.customers.create

    async def slowly(command, before_sending):
        await asyncio.sleep(0.02 + 2 * ON_TIME)
        return await create(command, before_sending)

    world.customers.create = slowly
    assert code(await world.process(record())) == "created"
    assert [state for state, _ in entries(world)] == ["intent", "released", "intent", "finished"]


@pytest.mark.parametrize("of_others", [True, False])
async def test_a_customer_that_is_known_by_a_mark_of_its_own(of_others):
    """Only what may be somebody else's is searched for before."""
    world = await begun(find=Found([]), of_others=of_others)
    await world.process(record())
    assert world.find.asked == int(of_others)


async def test_an_end_that_nobody_doubts():
    """Its entry holds nothing of what was searched before, so that it is remembered in few bytes."""
    world = await begun(find=Found(["5"]), of_others=True)
    await world.process(record())
    assert entries(world) == [("intent", Evidence(found_before=("5",))), ("finished", Evidence())]
    assert world.assignment.journal.known(EVENT).records[0].evidence == Evidence()


@pytest.mark.parametrize("whose", ["this attempt", "this process", "another"])
async def test_since_when_a_doubt_settles(monkeypatch, whose):
    """From when its intent was handed over; where that is not known, from now, or from our claim where another process
    wrote it, which can send nothing after that.
    """
    world = await begun(find=Found(["77"]))
    waited: list[tuple[float, float]] = []

    async def wait_until(_, since, seconds):
        waited.append((since.boot, seconds))

    monkeypatch.setattr(Assignment, "wait_until", wait_until)
    if whose == "this attempt":
        world.customers.answers("e1", LOST)
    else:
        await world.assignment.write(EVENT, 0, Intent(1))
    if whose == "another":
        await world.again()
    claimed = world.assignment.restored.claimed.boot
    moments = count(claimed + 1)
    world.assignment.clock = lambda: Moment(next(moments), 0)
    assert code(await world.process(record())) == "reconciled"
    settle = world.pipeline.creation.reconciliation.search.settle
    assert waited == [(claimed if whose == "another" else claimed + 1, settle)]


# --- calls and intents ------------------------------------------------------------------------------------------------


def open_intents(world):
    """How many there are in the journal, after each of its entries."""
    unsettled: set[bytes] = set()
    counts = []
    for message in world.topics.of("journal"):
        if not is_claim(message.key):
            (unsettled.add if decode(message.value).state == "intent" else unsettled.discard)(message.key)
            counts.append(len(unsettled))
    return counts


async def dispatched(world, slots, count):
    dispatch = Dispatch(world.pipeline.process, slots, max_uncommitted=1_000)
    dispatch.open(Assignment(0, world.assignment.restored, world.assignment.append, slots))
    for number in range(count):
        dispatch.admit(record(number, f"e{number}", b"%d" % number))
    return dispatch


async def ended(dispatch):
    async with asyncio.timeout(PATIENCE):
        while dispatch.in_flight():
            await asyncio.sleep(0.001)


async def test_open_intents_where_nothing_is_looked_up():
    """Never more than calls, whatever the answers: a kill at any moment leaves no more unknown outcomes."""
    world = await begun(calls=3)
    for number in range(0, 40, 3):
        world.customers.answers(f"e{number}", RefusedForNow(503))
    world.customers.answers("e7", LOST)
    dispatch = await dispatched(world, Slots(9, beyond=12), 40)
    await ended(dispatch)
    assert committable(dispatch) == {0: 40}
    assert max(open_intents(world)) == 3
    assert not world.pipeline.creation.limit.calls.locked()


@pytest.mark.parametrize("fenced", [True, False])
async def test_calls_after_a_partition_is_given_up(fenced):
    """A drain or a fence gives each of them back, also of who waited for one."""
    world = await begun(calls=1)
    call = world.pipeline.creation.limit.calls
    await call.acquire()
    dispatch = await dispatched(world, Slots(9), 3)
    await turns()
    (assignment,) = dispatch.assignments()
    if fenced:
        assignment.give_up()
    draining = asyncio.create_task(dispatch.drain([0], PATIENCE))
    await asyncio.sleep(0)
    call.release()
    assert await draining
    assert not call.locked()
    assert world.journal() == []
    assert not world.customers.executed


async def test_intents_whose_posts_have_not_left_when_a_drain_begins():
    """They are released: a drain waits for the POSTs that are on their way, and for no other after them."""
    world = await begun(calls=1, find=Found([]))
    sent, create, answered, asked = posts(world), world.customers.create, asyncio.Event(), []

    async def slowly(command, before_sending):
        asked.append(command.request.id)
        outcome = await create(command, before_sending)
        await answered.wait()
        return outcome

    world.customers.create = slowly
    dispatch = await dispatched(world, Slots(9), 3)
    await turns()
    assert (sent, world.journal()) == (["e0"], ["intent"] * 3)
    draining = asyncio.create_task(dispatch.drain([0], PATIENCE))
    await asyncio.sleep(0)
    answered.set()
    assert await draining
    assert (sent, sorted(world.journal()[3:])) == (["e0"], ["finished", "released", "released"])
    assert asked == ["e0"], "no login or connection is waited for"


async def test_a_moment_that_is_waited_for_when_a_drain_begins():
    """The intent is released at once: a stop does not last as long as the moment is away."""
    world = await begun()
    object.__setattr__(world.pipeline.creation, "pace", Missed(5.0))
    dispatch = await dispatched(world, Slots(9), 1)
    await turns()
    assert world.journal() == ["intent"]
    draining = asyncio.create_task(dispatch.drain([0], PATIENCE))
    await turns()
    assert world.journal() == ["intent", "released"]
    assert await draining


async def test_another_moment_that_is_waited_for_when_a_drain_begins():
    """Also where the connection took so long that the first moment was missed: the wait is between looks, then."""
    world = await begun()
    object.__setattr__(world.pipeline.creation, "pace", Missed(0.02, rate=4))
    create, waits = world.customers.create, [0.0]

    async def slowly(command, before_sending):
        def noting():
            waits.append(before_sending())
            return waits[-1]

        await asyncio.sleep(0.02 + 2 * ON_TIME)
        return await create(command, noting)

    world.customers.create = slowly
    dispatch = await dispatched(world, Slots(9), 1)
    await until(lambda: len(waits) > 1)
    looks = len(waits)
    assert await dispatch.drain([0], PATIENCE)
    # The look that comes next, which is soon, ends the wait.
    assert (max(waits) <= EARLY, len(waits), world.journal()) == (True, looks, ["intent", "released"])


class Interrupted:
    """A call that ends once it may, with that error if any, during which a drain begins."""

    def __init__(self, error):
        self.error, self.begun, self.may_end = error, asyncio.Event(), asyncio.Event()

    async def __call__(self, *_):
        self.begun.set()
        await self.may_end.wait()
        if self.error:
            raise self.error


async def asked_while_draining(world, call):
    """How often it is asked whether the API answers others, where a drain begins during that call."""
    asked = []

    async def answer():
        asked.append("answer")

    world.customers.answer = answer
    dispatch = await dispatched(world, Slots(9), 1)
    await call.begun.wait()
    draining = asyncio.create_task(dispatch.drain([0], PATIENCE))
    await asyncio.sleep(0)
    call.may_end.set()
    assert await draining
    return len(asked)


async def test_searches_before_a_post_that_wait_when_a_drain_begins():
    """None begins any more: before an API that hangs, one after the other would outlast the drain."""
    found, asked = asyncio.Event(), []

    async def find(command):
        asked.append(command.request.id)
        await found.wait()
        return []

    world = await begun(calls=1, find=find, of_others=True)
    dispatch = await dispatched(world, Slots(9), 3)
    await turns()
    draining = asyncio.create_task(dispatch.drain([0], PATIENCE))
    await asyncio.sleep(0)
    found.set()
    assert await draining
    assert (asked, world.journal()) == (["e0"], [])


async def test_a_look_up_that_fails_while_its_partition_drains():
    """Nothing more is asked, so that an API that hangs cannot cut the drain short: the doubt is the next owner's."""
    world = await begun(find=Interrupted(ApiUnavailable("no answer")))
    world.customers.answers("e0", LOST)
    assert await asked_while_draining(world, world.find) == 0
    assert world.journal() == ["intent"]


async def test_a_400_after_a_doubt_while_its_partition_drains():
    """The look-up that it takes to believe it is the next owner's, as that of any doubt."""
    world = await begun(find=Found([]))
    create, refused = world.customers.create, Interrupted(None)

    async def lost_and_refused(command, before_sending):
        outcome = await create(command, before_sending)
        await refused()
        return outcome

    world.customers.create = lost_and_refused
    world.customers.answers("e0", LOST, REJECTED)
    assert await asked_while_draining(world, refused) == 0
    assert (world.find.asked, world.journal()) == (2, ["intent", "intent"])


async def test_a_last_refusal_while_its_partition_drains():
    """Nothing more is asked, so that no intent is left open: it is released, and the refusal is not the last one."""
    world = await begun(max_attempts=1)
    world.customers.create = Interrupted(RefusedForNow(429))
    assert await asked_while_draining(world, world.customers.create) == 0
    assert world.journal() == ["intent", "released"]


@pytest.mark.parametrize("error", [Draining(), Fenced(), RuntimeError("bug"), asyncio.CancelledError()])
async def test_a_call_after_an_error(error):
    """It comes back, whatever ends the record."""
    world = await begun(calls=1)

    async def broken(*_):
        raise error

    world.customers.create = broken
    with pytest.raises(type(error)):
        await world.pipeline.process(record(), world.assignment)
    assert not world.pipeline.creation.limit.calls.locked()


# --- outages ----------------------------------------------------------------------------------------------------------


class Outage:
    """An API that answers calls which create nothing, and every POST with a 500, until it is well."""

    def __init__(self, world):
        self.create, self.well, self.asked = world.customers.create, False, []
        world.customers.create, world.customers.answer = self.post, self.answer

    async def post(self, command, before_sending):
        before_sending()
        self.asked.append("post")
        await asyncio.sleep(0)
        if not self.well:
            raise OutcomeUnknown("the API answered 500")
        return await self.create(command, before_sending)

    async def answer(self):
        self.asked.append("answer")


@pytest.mark.parametrize("calls", [2, 8])
async def test_how_many_an_outage_of_500s_parks(calls):
    """What was in flight, so many in a row as are an outage, and one a probe, each after another call's answer."""
    world = await begun(calls=calls, breaker=Breaker(5, Backoff(0.02, 0.02)))
    outage = Outage(world)
    dispatch = await dispatched(world, Slots(24, beyond=32), 200)
    holds = world.pipeline.creation.holds
    while holds.probes < 4:
        await asyncio.sleep(0.001)
    outage.well = True
    probes = outage.asked.count("answer")
    await ended(dispatch)
    parked = [event["data"]["reason"]["code"] for event in world.events("failed")]
    assert set(parked) == {"outcome_unknown"}
    assert 5 <= len(parked) <= 5 + calls + probes
    assert len(world.events("succeeded")) == 200 - len(parked)
    first = outage.asked.index("answer")
    assert outage.asked[first : first + 6] == ["answer", "post"] * 3
    assert holds.reasons() == []


async def test_an_outage_of_500s_that_is_looked_up():
    """Answered searches are no answers to POSTs: the hold begins, and nobody's attempts are used up."""
    world = await begun(find=Found([]), breaker=Breaker(3, Backoff(0.01, 0.01)))
    outage = Outage(world)
    dispatch = await dispatched(world, Slots(12, beyond=32), 12)
    holds = world.pipeline.creation.holds
    while HoldReason.API_UNAVAILABLE not in holds.reasons() or outage.asked.count("post") < 30:
        await asyncio.sleep(0.001)
    outage.well = True
    await ended(dispatch)
    assert (len(world.events("succeeded")), world.events("failed")) == (12, [])
    assert set(world.customers.executed.values()) == {1}


async def test_one_whose_answers_are_lost_while_others_are_created():
    """Its attempts are its own: looked up and not there, after the last one it is given up."""
    world = await begun(find=Found([]))
    world.customers.answers("e1", LOST, LOST, LOST)
    assert code(await world.process(record())) == "retries_exhausted"


async def test_a_look_up_that_fails_for_one_record_alone():
    """Others are created meanwhile, and it ends: parked, after as many attempts as a look-up has."""
    world = await begun(find=Found(ApiUnavailable("the search answered 500")))
    world.customers.answers("e0", LOST)
    alone = asyncio.create_task(world.process(record(0, "e0", b"0")))
    others = [await world.process(record(number, f"e{number}", b"%d" % number)) for number in range(1, 20)]
    outcome = await alone
    assert {code(each) for each in others} == {"created"}
    assert (outcome.reason.code, world.find.asked) == (ReasonCode.OUTCOME_UNKNOWN, 2)
    assert "the look-up failed 2 times while other calls were answered" in outcome.reason.message


async def test_a_look_up_that_fails_in_an_outage():
    """It is asked for as long as that lasts, and finds its customer then."""
    world = await begun(find=Found(*[ApiUnavailable("down")] * 20, ["77"]))
    world.customers.down = True
    world.customers.answers("e1", LOST)
    running = asyncio.create_task(world.process(record()))
    while world.find.asked < 10:
        await asyncio.sleep(0.001)
    world.customers.down = False
    world.find.found = [["77"]]
    assert code(await running) == "reconciled"
