"""Members of a group, static ones too, and the group's offsets."""

import asyncio

from aiokafka.protocol.admin import DescribeGroupsRequest
from aiokafka.protocol.group import LeaveGroupRequest

from simulation.conforming import Asked

from .known import ILLEGAL_GENERATION, MEMBER_ID_REQUIRED, OK, REBALANCING, UNKNOWN_MEMBER, answers


@answers(MEMBER_ID_REQUIRED, (OK, True, 1), (OK, b"a"), OK, UNKNOWN_MEMBER, ILLEGAL_GENERATION, OK, UNKNOWN_MEMBER)
async def _a_member_of_a_group(asked: Asked) -> list[object]:
    """It is told its id first; heartbeats are for who is a member, of the generation that is."""
    group = f"{asked.unique}-g"
    named = await asked.join(group)
    answer = await asked.join(group, named.member_id)
    member, generation = answer.member_id, answer.generation_id
    told: list[object] = [
        named.error_code,
        (answer.error_code, answer.leader_id == member == named.member_id, generation),
    ]
    synced = await asked.sync(group, generation, member)
    told.append((synced.error_code, synced.member_assignment))
    told += [await asked.heartbeat(group, *each) for each in ((1, member), (1, "nobody"), (2, member))]
    left = await asked.coordinating(group, LeaveGroupRequest(group, member))
    return [*told, left.error_code, await asked.heartbeat(group, 1, member)]


@answers(
    (-1, ""), OK, (7, "a note"), OK, (3, "a note"), UNKNOWN_MEMBER, UNKNOWN_MEMBER, ILLEGAL_GENERATION, OK,
    (5, "a note"),
)  # fmt: skip
async def _offsets_of_a_group(asked: Asked) -> list[object]:
    """Nobody looks at the offset, backwards or not; without a member of its own who is in no group stores it too."""
    group, topic = f"{asked.unique}-g", await asked.topic()
    told: list[object] = [await asked.committed(group, topic)]
    for offset in (7, 3):
        told += [await asked.commit(group, topic, offset), await asked.committed(group, topic)]
    member, generation = await asked.joined(group)
    told += [await asked.commit(group, topic, 9), await asked.commit(group, topic, 9, generation, "nobody")]
    told += [await asked.commit(group, topic, 9, generation + 1, member)]
    told += [await asked.commit(group, topic, 5, generation, member)]
    return [*told, await asked.committed(group, topic)]


@answers(REBALANCING, OK, (OK, 2, 2), ILLEGAL_GENERATION, OK, "Stable", 2)
async def _a_second_member(asked: Asked) -> list[object]:
    """The first hears of it at its heartbeat, may commit until it joins again, and both have the next generation."""
    group, topic = f"{asked.unique}-g", await asked.topic()
    first, generation = await asked.joined(group)
    async with asked.another() as other:
        named = await other.join(group)
        joining = asyncio.ensure_future(other.join(group, named.member_id))
        while (code := await asked.heartbeat(group, generation, first)) == OK:
            await asyncio.sleep(0.05)
        told: list[object] = [code, await asked.commit(group, topic, 1, generation, first)]
        again = await asked.join(group, first)
        joined = await joining
        told.append((joined.error_code, joined.generation_id, again.generation_id))
        told.append(await asked.commit(group, topic, 1, generation, first))
        waiting = asyncio.ensure_future(other.sync(group, 2, named.member_id))
        told.append((await asked.sync(group, 2, first)).error_code)
        await waiting
        described = await asked.coordinating(group, DescribeGroupsRequest([group]))
        (_, _, state, _, _, members, *_), *_ = described.groups
        return [*told, state, len(members)]


@answers(OK)
async def _a_group_that_empties_while_members_are_waited_for(asked: Asked) -> list[object]:
    """The end of that wait is nothing to whoever joins afterwards."""
    group, briefly = f"{asked.unique}-g", 500
    first, generation = await asked.joined(group, briefly)
    async with asked.another() as other:
        named = await other.join(group)
        joining = asyncio.ensure_future(other.join(group, named.member_id, rebalance=briefly))
        while await asked.heartbeat(group, generation, first) == OK:
            await asyncio.sleep(0.05)
        for each in (named.member_id, first):
            await asked.coordinating(group, LeaveGroupRequest(group, each))
        await joining
    member, generation = await asked.joined(group, briefly)
    await asyncio.sleep(2 * briefly / 1000)
    return [await asked.heartbeat(group, generation, member)]


@answers((OK, 1, "itself"), (OK, 1, "the one before"), (OK, b"a"), UNKNOWN_MEMBER, OK)
async def _a_static_member_that_is_back(asked: Asked) -> list[object]:
    """It takes the place of whoever had its name, in the same generation, and leads nobody."""
    group = f"{asked.unique}-g"
    before = await asked.join(group, instance="i")
    await asked.sync(group, before.generation_id, before.member_id)
    now = await asked.join(group, instance="i")
    names = {now.member_id: "itself", before.member_id: "the one before"}
    told: list[object] = [(before.error_code, before.generation_id, "itself" * (before.leader_id == before.member_id))]
    told.append((now.error_code, now.generation_id, names[now.leader_id]))
    synced = await asked.sync(group, now.generation_id, now.member_id)
    told.append((synced.error_code, synced.member_assignment))
    return [*told, *[await asked.heartbeat(group, 1, each.member_id) for each in (before, now)]]
