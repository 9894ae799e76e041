"""Two deployments that were given one journal by mistake, with records at the same offsets: who holds goes on."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final
from uuid import UUID

from chaos.protocol_claims import PARTITION, Kept, View, World

from worker.journal.claim import Claims, Take
from worker.journal.entries import EntryKey, Finished, Intent, Owner, is_claim
from worker.journal.recall import CreatedBefore, Ended, Fresh, InDoubt, Recollection
from worker.journal.terms import Terms
from worker.model.errors import JournalShared
from worker.model.outcomes import Succeeded
from worker.model.records import Headers, Stored

EVENT: Final = UUID(int=1)
FOREIGN = "what the other deployment wrote is taken for ours"
WAR = "claimed again, by who was told whose it is"
NOBODY = "nobody holds it"
BOTH = "both hold it"


@dataclass
class Deployments(World):
    """Who was refused, and who has ended its record."""

    refused: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)

    def ended(self) -> str:
        """One of them works, and the other one waits for a person."""
        return NOBODY if not self.done else BOTH if len(self.done) > 1 else ""

    def claims(self, name: str) -> int:
        return sum(line.by == name and is_claim(line.key) for line in self.lines)


@dataclass
class Named(View):
    """Guards are taken away by what a claim is given: a log that looks empty before, or in which nobody has a name."""

    looks: bool = True
    names: bool = True

    async def read(self, partition: int, first: int | None, end: int | None, take: Take) -> int:
        if end is None and not self.looks:
            return 0
        return await super().read(partition, first, end, take)

    async def append(
        self, partition: int, key: bytes, value: bytes, acknowledged: Callable[[int], None], headers: Headers = ()
    ) -> Stored:
        return await super().append(partition, key, value, acknowledged, headers if self.names else ())


async def works(world: Deployments, tries: int, view: View) -> None:
    """Claim, end the one record there is, and claim anew where somebody else has written."""
    claims, kept = Claims(view, Owner(view.name, f"{view.name}-requests"), Terms()), None
    for _ in range(tries):
        try:
            kept = await claims.claim(PARTITION, kept, 0)
        except JournalShared:
            if view.name in world.refused and world.claims(view.name) > 1:
                world.wrong = WAR
            world.refused.add(view.name)
            continue
        known = kept.journal.recall(EVENT, 0)
        if not is_ours(world, view.name, known):
            world.wrong = FOREIGN
        key = EntryKey(EVENT, 0, kept.writer)
        made = Succeeded(view.name, f"/{view.name}", "individual", 1)
        if isinstance(known, Fresh) and not await view.write(kept, key, Intent(1)):
            continue
        if await view.write(kept, key, Finished(made)):
            world.done.add(view.name)
            return


def is_ours(world: Deployments, name: str, known: Recollection) -> bool:
    """Whether all that is recalled of the record was written by that deployment."""
    match known:
        case Fresh():
            return True
        case InDoubt(writers=writers):
            return all(line.by == name for line in world.lines if _writer(line) in writers)
        case Ended(Succeeded(customer_id=customer)) | CreatedBefore(Succeeded(customer_id=customer)):
            return customer == name
        case _:
            return False


def _writer(line: Kept) -> str:
    return line.key.decode().rpartition("/")[2]


def deployments(*, looks: bool = True, names: bool = True, tries: int = 3) -> Deployments:
    """Both at their beginning."""
    world = Deployments()
    for name in ("a", "b"):
        world.enters(name, partial(works, world, tries), Named(world, name, looks=looks, names=names))
    return world
