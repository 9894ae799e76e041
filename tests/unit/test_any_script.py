"""Any script of answers, kills and restarts: no event is made twice, all ends, and nothing is held for ever."""

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from builders import committable
from hypothesis import given, settings
from hypothesis import strategies as st
from patience import PATIENCE
from world import REJECTED, World, record

from worker.creation.backoff import Backoff
from worker.creation.breaker import Breaker
from worker.intake.dispatch import Dispatch
from worker.model.errors import (
    ApiUnavailable,
    CreatedIdUnknown,
    LoginRefused,
    OutcomeUnknown,
    RefusedForNow,
    SearchRefused,
    SessionContention,
)
from worker.model.outcomes import Outcome, Succeeded
from worker.partition.assignment import Assignment
from worker.partition.slots import Slots

NOT_EXECUTED: dict[str, Outcome | BaseException] = {
    "refused": REJECTED,
    "not now": RefusedForNow(503),
    "no connection": ApiUnavailable("no route"),
    "no session": LoginRefused("401"),
    "contended": SessionContention("403"),
    "500": OutcomeUnknown("the API answered 500"),
    "killed": asyncio.CancelledError(),
}
EXECUTED: dict[str, BaseException | None] = {
    "created": None,
    "no id": CreatedIdUnknown("the API answered 201 without a usable Location"),
    "late 500": OutcomeUnknown("the API answered 500"),
    "killed late": asyncio.CancelledError(),
}
ANSWERS = [*NOT_EXECUTED, *EXECUTED]
SEARCHES = ["finds", "broken", "refused"]


@dataclass
class Crm:
    """The API as a script says, and then as it should be. A customer without an id in its answer may not be found."""

    script: list[str]
    searches: list[str]
    made: dict[str, list[str]] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    down: bool = False
    renewals: int = 0

    async def log_in(self) -> None: ...

    async def log_in_anew(self) -> None:
        self.renewals += 1

    async def answer(self) -> None:
        if self.down:
            raise ApiUnavailable("down")

    def location(self, customer_id: str) -> str:
        return f"/customer/{customer_id}"

    async def create(self, command: Any, before_sending: Any) -> Outcome:
        await asyncio.sleep(0)
        while wait := before_sending():
            await asyncio.sleep(wait)
        answer = self.script.pop() if self.script else "created"
        if answer in NOT_EXECUTED:
            return told(NOT_EXECUTED[answer])
        event = command.request.id
        made = self.made.setdefault(event, [])
        made.append(f"{len(self.made)}-{len(made)}")
        if answer == "no id":
            self.hidden.add(event)
        return told(EXECUTED[answer] or Succeeded(made[-1], self.location(made[-1]), "individual", 0))

    async def find(self, command: Any) -> list[str]:
        event = command.request.id
        match self.searches.pop() if self.searches else "finds":
            case "broken":
                raise ApiUnavailable("the search answered 500")
            case "refused":
                raise SearchRefused("403")
            case _:
                pass
        return [] if event in self.hidden else self.made.get(event, [])


def told(answer: Outcome | BaseException) -> Outcome:
    """Returned or raised."""
    if isinstance(answer, BaseException):
        raise answer
    return answer


async def worked(world: World, offsets: list[int]) -> None:
    """A process works on them until it is killed, or all is done; two events, so that each comes several times."""
    for offset in offsets:
        with suppress(asyncio.CancelledError):
            async with asyncio.timeout(PATIENCE):
                await world.pipeline.process(record(offset, f"e{offset % 2}"), world.assignment)
                continue
        world.background.cancel()
        await world.again()


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from(ANSWERS), max_size=8),
    st.lists(st.sampled_from(SEARCHES), max_size=5),
    st.sampled_from(["none", "mark", "email"]),
    st.integers(1, 3),
)
async def test_what_is_executed(script, searches, look_up, rounds):
    """However often each record comes again after kills: every event once at most, and each record has one end."""
    crm = Crm(script, searches)
    find = None if look_up == "none" else crm.find
    world = await World(crm, max_attempts=2, find=find, of_others=look_up == "email", flood_window=3).again()  # type: ignore[arg-type]  # an API of its own
    for _ in range(rounds):
        await worked(world, [0, 1, 2, 3])
    crm.script.clear()
    await worked(world, [0, 1, 2, 3])
    world.background.cancel()
    assert all(len(made) == 1 for made in crm.made.values())
    events = [*world.events("succeeded"), *world.events("failed")]
    ends = Counter((event["data"]["request"]["offset"], event["id"]) for event in events)
    assert sorted(offset for offset, _ in ends) == [0, 1, 2, 3]
    for event in world.events("succeeded"):
        assert event["data"]["customerId"] in crm.made[event["data"]["request"]["id"]]


TROUBLES = {
    "no connection": ["no connection"],
    "login refused": ["no session"],
    "sessions contended for": ["contended"],
    "500": ["500"],
    "503": ["not now"],
    "flood": ["refused"],
    "created without an id": ["no id"],
    "everything": ANSWERS,
}


@pytest.mark.parametrize("look_up", [False, True])
@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("down", [False, True])
async def test_holds_after_the_api_is_well(trouble, look_up, down):
    """All records end, and so does every hold, whatever began it and whoever is left to probe."""
    kinds = [each for each in TROUBLES[trouble] if "killed" not in each]
    crm = Crm(kinds * (40 // len(kinds)), ["broken"] * 10, down=down)
    breaker = Breaker(3, Backoff(0.01, 0.02))
    world = await World(crm, find=crm.find if look_up else None, flood_window=5, breaker=breaker).again()  # type: ignore[arg-type]  # an API of its own
    slots = Slots(6, beyond=8)
    dispatch = Dispatch(world.pipeline.process, slots, max_uncommitted=1_000)
    dispatch.open(Assignment(0, world.assignment.restored, world.assignment.append, slots))
    for number in range(60):
        dispatch.admit(record(number, f"e{number}", b"%d" % number))
    for _ in range(100):
        await asyncio.sleep(0.001)
    crm.down = False
    crm.script.clear()
    async with asyncio.timeout(PATIENCE):
        while dispatch.in_flight() or world.pipeline.creation.holds.reasons():
            await asyncio.sleep(0.01)
    world.background.cancel()
    assert committable(dispatch) == {0: 60}
    assert all(len(made) == 1 for made in crm.made.values())
