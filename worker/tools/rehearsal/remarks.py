"""What a person should know before the worker is pointed at the topic, and what to do about it."""

from collections.abc import Callable, Iterator
from typing import Final

from worker.counting import counted
from worker.tools.rehearsal.rehearsed import Rehearsed
from worker.tools.rehearsal.report import time_of

DAY: Final = 86_400
HOUR: Final = 3_600


def remarks(found: Rehearsed) -> Iterator[tuple[str, str]]:
    """Each remark as its subject and a sentence; none where all is well."""
    for about in ABOUT:
        yield from about(found)


def duration(seconds: float) -> str:
    """The duration in words, in a fitting unit."""
    for unit, name in ((DAY, "days"), (HOUR, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds:.3g} s"


def _unreadable(found: Rehearsed) -> Iterator[tuple[str, str]]:
    batches = found.tally.unreadable
    if batches.batches:
        held = counted(batches.batches, "batch cannot be read, and holds its", "batches cannot be read, and hold their")
        yield "unreadable", f"{held} partition; {batches.first}"


def _transactions(found: Rehearsed) -> Iterator[tuple[str, str]]:
    for each in found.opened:
        since = each.transaction.since
        when = f", since {time_of(since)}" if since is not None else ""
        at = f"{each.partition}@{each.transaction.offset}"
        behind = counted(each.behind, "offset from there on is", "offsets from there on are")
        yield (
            "open_transaction",
            f"a transaction is open at {at}{when}: {behind} not read before it ends, here or by the worker",
        )


def _repeats(found: Rehearsed) -> Iterator[tuple[str, str]]:
    repeats, kept = found.tally.repeats, found.kept
    if repeats.elsewhere:
        elsewhere = counted(repeats.elsewhere, "repeat stands", "repeats stand")
        yield (
            "repeats_elsewhere",
            f"{elsewhere} in another partition than the event before (the first at "
            f"{repeats.first_elsewhere}) and would be created again: give a repeat the key of its event",
        )
    if repeats.too_far:
        too_far = counted(repeats.too_far, "repeat comes", "repeats come")
        yield (
            "repeats_too_far",
            f"{too_far} more than {counted(kept.max_entries, 'offset')} later (the first at "
            f"{repeats.first_too_far}) and would be created again: WORKER_JOURNAL__MAX_ENTRIES={repeats.farthest}",
        )
    if repeats.apart > kept.window:
        yield (
            "repeats_late",
            f"repeats come up to {duration(repeats.apart)} apart, and an event is recognised for "
            f"{duration(kept.window)}: WORKER_JOURNAL__WINDOW={repeats.apart}",
        )
    if repeats.beyond_room:
        yield (
            "events_beyond_room",
            f"{counted(repeats.beyond_room, 'record')}: too many events to find their repeats; --limit",
        )


def _identities(found: Rehearsed) -> Iterator[tuple[str, str]]:
    if found.tally.nameless:
        nameless = counted(found.tally.nameless, "record to be created has", "records to be created have")
        yield (
            "no_identity",
            f"{nameless} no source and id of their own: should their producer "
            f"write one twice, nothing tells that it is a repeat",
        )


def _keys(found: Rehearsed) -> Iterator[tuple[str, str]]:
    keys = found.tally.keys
    if keys.keyless:
        keyless = counted(keys.keyless, "record has", "records have")
        yield (
            "no_key",
            f"{keyless} no key: there is no order between them, and a repeat that comes to another "
            f"partition is not recognised",
        )
    if keys.scattered:
        scattered = counted(keys.scattered, "record stands", "records stand")
        yield (
            "scattered_keys",
            f"{scattered} in another partition than the first one of their key: its order is kept "
            f"in each partition alone",
        )
    if keys.beyond_room:
        yield "keys_beyond_room", f"{counted(keys.beyond_room, 'record')}: too many keys to count each; --limit"


def _journal(found: Rehearsed) -> Iterator[tuple[str, str]]:
    kept = found.kept
    if not kept.enabled:
        yield "no_journal", "a crash can create customers twice (WORKER_JOURNAL__ENABLED=false)"
    elif kept.covers is False:
        retention = "for ever" if kept.retention is None else duration(kept.retention)
        raised = "" if kept.retention is None else f": WORKER_JOURNAL__WINDOW={kept.retention:.0f}"
        yield (
            "window",
            f"the topic keeps its records {retention}, the journal its events {duration(kept.window)}: what is older "
            f"and is read again, after `offsets set`, is created again{raised}",
        )
    if kept.compacted:
        yield "compacted", "the topic is compacted: an event can vanish unread behind a later one of its key"


def _catalog(found: Rehearsed) -> Iterator[tuple[str, str]]:
    if found.live_catalog:
        yield (
            "catalog",
            "configured values are not checked: they are the API's own (WORKER_CUSTOMER__CATALOG=live), and nothing "
            "is asked of it here; --catalog FILE",
        )


ABOUT: Final[tuple[Callable[[Rehearsed], Iterator[tuple[str, str]]], ...]] = (
    _unreadable,
    _transactions,
    _repeats,
    _identities,
    _keys,
    _journal,
    _catalog,
)
