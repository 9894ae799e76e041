"""A consumer group's coordinator: eager rebalances, generations, static members, offsets."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from aiokafka import errors

from .log import Refused

Offsets = dict[tuple[str, int], tuple[int, str]]


class FencedInstanceId(errors.KafkaError):
    """Another client has taken the name; the client that we use does not know this error."""

    errno = 82


@dataclass(eq=False, slots=True)
class Member:
    """One who takes part; times are seconds."""

    id: str
    instance: str | None
    session: float
    rebalance: float
    metadata: bytes
    assigned: bytes = b""
    joining: asyncio.Future[int] | None = None
    syncing: asyncio.Future[bytes] | None = None
    expires: asyncio.TimerHandle | None = None


@dataclass(eq=False, slots=True)
class Group:
    """Stable, or between two generations: `preparing` waits for members to join, then for the leader's word."""

    name: str
    new_id: Callable[[], str]
    protocol: str = ""
    generation: int = 0
    members: dict[str, Member] = field(default_factory=dict)
    leader: str = ""
    preparing: bool = False
    awaiting_leader: bool = False
    offsets: dict[tuple[str, int], tuple[int, str]] = field(default_factory=dict)
    expected: set[str] = field(default_factory=set)
    """Ids that were given to clients who have not joined with them yet."""
    on_commit: Callable[[Offsets, Offsets], None] = lambda before, after: None
    """Told of the offsets as they were and of those that are stored."""
    _deadline: asyncio.TimerHandle | None = None

    async def join(
        self, member: str, instance: str | None, session: float, rebalance: float, protocol: tuple[str, bytes]
    ) -> tuple[Member, str]:
        """Who has joined, and whom it is told as the leader, when the next generation begins; raises Refused.

        A static member that is back takes its place in the generation that there is, and leads nobody in it.
        """
        leader, stable = self.leader, not self.preparing and not self.awaiting_leader
        twin = self._twin(instance) if not member else None
        found = self._in_place_of(twin, instance) if twin else self._joined(member, instance)
        found.session, found.rebalance, found.metadata = session, rebalance, protocol[1]
        self.protocol = protocol[0]
        if twin and stable:
            self.heard(found)
            return found, leader
        waiting = found.joining = asyncio.get_running_loop().create_future()
        self.heard(found)
        self._prepare()
        self._begin_when_all_are_there()
        await waiting
        return found, self.leader

    def _twin(self, instance: str | None) -> Member | None:
        return next((each for each in self.members.values() if instance and each.instance == instance), None)

    def _in_place_of(self, twin: Member, instance: str | None) -> Member:
        """What the other one asks from now on is refused: it is not known any more."""
        made = Member(self.new_id(), instance, 0, 0, b"", twin.assigned)
        self.members[made.id] = made
        self._forget(twin, FencedInstanceId)
        if self.leader == twin.id:
            self.leader = made.id
        return made

    def _joined(self, member: str, instance: str | None) -> Member:
        if not member:
            made = Member(self.new_id(), instance, 0, 0, b"")
            self.members[made.id] = made
            return made
        if member in self.expected:
            self.expected.discard(member)
            self.members[member] = Member(member, instance, 0, 0, b"")
        if member not in self.members:
            raise Refused(errors.UnknownMemberIdError)
        return self.members[member]

    def expect(self) -> str:
        """The id that a client has to join with."""
        member = self.new_id()
        self.expected.add(member)
        return member

    def _prepare(self) -> None:
        if self.preparing:
            return
        self.preparing, self.awaiting_leader = True, False
        for each in self.members.values():
            if each.syncing and not each.syncing.done():
                each.syncing.set_exception(Refused(errors.RebalanceInProgressError))
            each.syncing = None
        longest = max(each.rebalance for each in self.members.values())
        self._deadline = asyncio.get_running_loop().call_later(longest, self._without_the_others)

    def _without_the_others(self) -> None:
        for each in list(self.members.values()):
            if each.joining is None:
                self._forget(each)
        self._begin_when_all_are_there()

    def _begin_when_all_are_there(self) -> None:
        if not self.preparing or not self.members or any(each.joining is None for each in self.members.values()):
            return
        self._waits_no_more()
        self.preparing, self.awaiting_leader = False, True
        self.generation += 1
        if self.leader not in self.members:
            self.leader = next(iter(self.members))
        for each in self.members.values():
            joining, each.joining = each.joining, None
            self.heard(each)
            if joining and not joining.done():
                joining.set_result(self.generation)

    def _waits_no_more(self) -> None:
        if self._deadline:
            self._deadline.cancel()

    async def sync(self, member: str, generation: int, assignments: dict[str, bytes]) -> bytes:
        """What the leader gave this member; raises Refused."""
        found = self.checked(member, generation)
        if self.preparing:
            raise Refused(errors.RebalanceInProgressError)
        if member == self.leader and self.awaiting_leader:
            self.awaiting_leader = False
            for each in self.members.values():
                each.assigned = assignments.get(each.id, b"")
                if each.syncing and not each.syncing.done():
                    each.syncing.set_result(each.assigned)
                each.syncing = None
        if self.awaiting_leader:
            waiting = found.syncing = asyncio.get_running_loop().create_future()
            assigned: bytes = await waiting
            return assigned
        return found.assigned

    def heartbeat(self, member: str, generation: int) -> None:
        """Raises Refused."""
        self.heard(self.checked(member, generation))
        if self.preparing:
            raise Refused(errors.RebalanceInProgressError)

    def leave(self, member: str) -> None:
        """Raises Refused."""
        if member not in self.members:
            raise Refused(errors.UnknownMemberIdError)
        self._remove(self.members[member])

    def commit(self, member: str, generation: int, offsets: dict[tuple[str, int], tuple[int, str]]) -> None:
        """The broker looks at member and generation, and at nothing else; raises Refused."""
        if generation >= 0 or self.members:
            self.heard(self.checked(member, generation))
            if self.awaiting_leader:
                raise Refused(errors.RebalanceInProgressError)
        self.on_commit(self.offsets, offsets)
        self.offsets |= offsets

    def checked(self, member: str, generation: int) -> Member:
        """The member of that generation; raises Refused."""
        if member not in self.members:
            raise Refused(errors.UnknownMemberIdError)
        if generation != self.generation:
            raise Refused(errors.IllegalGenerationError)
        return self.members[member]

    def heard(self, member: Member) -> None:
        """It is alive; a member that joins is waited for as long as a rebalance may take."""
        if member.expires:
            member.expires.cancel()
        within = max(member.session, member.rebalance) if member.joining else member.session
        member.expires = asyncio.get_running_loop().call_later(within, self._remove, member)

    def _remove(self, member: Member) -> None:
        self._forget(member)
        if self.members:
            self._prepare()
            self._begin_when_all_are_there()
        else:
            self._waits_no_more()
            self.preparing = self.awaiting_leader = False

    def _forget(self, member: Member, why: type[errors.KafkaError] = errors.UnknownMemberIdError) -> None:
        if self.members.get(member.id) is not member:
            return
        del self.members[member.id]
        if member.expires:
            member.expires.cancel()
        for waiting in (member.joining, member.syncing):
            if waiting and not waiting.done():
                waiting.set_exception(Refused(why))
