"""A journal whose beginning moves while it is claimed: retention takes what nobody needs, and a reader stands in it.

It takes what its key says again later, claims that are not the newest, and what is of no record that may come again.
"""

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final
from uuid import UUID

from chaos.protocol_claims import PARTITION, Kept, View, World, step

from worker.journal.claim import Claims
from worker.journal.entries import EntryKey, Finished, Intent, Owner, encode, is_claim
from worker.journal.recall import CreatedBefore, Ended, Fresh
from worker.journal.terms import Restored, Terms
from worker.model.outcomes import Failed, Outcome, Reason, ReasonCode, Succeeded

EVENT: Final = UUID(int=1)
OURS: Final = Owner("ours", "requests")
DUPLICATE, TWO_ENDS, LOST = "duplicate", "two terminal events", "lost"
OLD = "old"


@dataclass
class Retained(World):
    """How often the customer was made, and which ends were told of the one record."""

    made: int = 0
    told: set[Outcome] = field(default_factory=set)

    def judge(self) -> None:
        self.wrong = DUPLICATE if self.made > 1 else TWO_ENDS if len(self.told) > 1 else ""

    def ended(self) -> str:
        """Whoever came last has claimed it to the end."""
        return "" if self.told else LOST

    def may_go(self, line: Kept) -> bool:
        """Whether the log says as much without it."""
        later = self.lines[line.offset + 1 :]
        superseded = any(is_claim(each.key) if is_claim(line.key) else each.key == line.key for each in later)
        return line.by == OLD or superseded


async def works(world: Retained, tries: int, view: View) -> None:
    """Claim, and end the record as far as nobody else has written; no look-up tells what became of a doubt."""
    claims, kept = Claims(view, OURS, Terms()), None
    for _ in range(tries):
        kept = await claims.claim(PARTITION, kept, 0)
        if (end := await outcome(world, view, kept)) is not None:
            await step(f"publishes {end.__class__.__name__}")
            world.told.add(end)
            view.seen.append("told")
            world.judge()
            return


async def outcome(world: Retained, view: View, kept: Restored) -> Outcome | None:
    """None where the claim was lost before it was in the journal."""
    key = EntryKey(EVENT, 0, kept.writer)
    match kept.journal.recall(EVENT, 0):
        case Ended(known):
            return known
        case CreatedBefore(known):
            end: Outcome = replace(known, resolution="already_created")
        case Fresh():
            if not await view.write(kept, key, Intent(1)):
                return None
            await step("POSTs")
            world.made += 1
            view.seen.append("made")
            world.judge()
            end = Succeeded(view.name, f"/{view.name}", "individual", 1)
        case _:
            end = Failed(Reason(ReasonCode.OUTCOME_UNKNOWN, view.name), 1)
    return end if await view.write(kept, key, Finished(end)) else None


async def retention(world: Retained, times: int, view: View) -> None:
    """One entry at a time, from the oldest on."""
    for _ in range(times):
        await step("deletes what is oldest")
        if world.first < len(world.lines) and world.may_go(world.lines[world.first]):
            world.first += 1
        view.seen.append(world.first)


def retained(*, told: bool = True, old: int = 2, deleted: int = 3, posted: bool = True) -> Retained:
    """Two workers of one group, one of which was not told that it lost the partition; each batch is one entry.

    `posted`: it has sent the record already when the other one comes.
    """
    world = Retained()
    written = encode(Finished(Succeeded("1", "/1", "individual", 1)))
    for offset in range(old):
        world.lines.append(Kept(OLD, offset, EntryKey(UUID(int=9 + offset), 90 + offset, OLD).encode(), written))
    for name, tries in (("a", 2), ("b", 2)):
        world.enters(name, partial(works, world, tries), View(world, name, batch=1, told=told))
    world.enters("retention", partial(retention, world, deleted), View(world, "retention"))
    while posted and not world.made:
        world.actors["a"].goes_on()
    return world
