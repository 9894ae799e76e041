"""What dead letters failed of: those that one change would put right stand together."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import orjson

from worker.tools.dead_letters.letters import FOREIGN, Json, Letter

MOST = 2_000
"""Causes that are told apart; what comes on top counts as another one of its reason."""
RULES_TOLD = 8
TEXT = 120
INDEX = re.compile(r"\[[0-9]+\]")
OTHERS = "other causes"


@dataclass(frozen=True, slots=True)
class Cause:
    """`rules` are the broken ones, each `path rule` without the indexes of its path; of a foreign letter its tool and
    the error that this names.
    """

    reason: str
    status: int | None = None
    error_code: str | None = None
    rules: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The same in every process, and safe in an address: what a producer wrote stands in none."""
        told = orjson.dumps([self.reason, self.status, self.error_code, self.rules])
        return hashlib.blake2b(told, digest_size=8).hexdigest()


def cause(letter: Letter) -> Cause:
    """Texts are cut to what a line may hold."""
    if letter.reason is None:
        return Cause(FOREIGN, rules=tuple(each[:TEXT] for each in (letter.tool, letter.kind) if each))
    error_code = letter.error_code[:TEXT] if letter.error_code else None
    return Cause(letter.called, letter.status, error_code, _rules(letter.violations))


def _rules(violations: Iterable[Json]) -> tuple[str, ...]:
    """Sorted, so that the order of an event's elements makes no other cause."""
    found = sorted({_rule(each) for each in violations})
    more = len(found) - RULES_TOLD
    return (*found[:RULES_TOLD], f"and {more} more") if more > 0 else tuple(found)


def _rule(violation: Json) -> str:
    return f"{INDEX.sub('', violation.get('path', ''))} {violation.get('rule', '')}".strip()[:TEXT]


@dataclass(slots=True)
class Group:
    """All letters of one cause that are known; times are milliseconds since the epoch."""

    cause: Cause
    count: int = 0
    oldest: int = 0
    newest: int = 0

    def add(self, timestamp: int) -> None:
        """One more."""
        self.oldest = min(self.oldest, timestamp) if self.count else timestamp
        self.newest = max(self.newest, timestamp) if self.count else timestamp
        self.count += 1


@dataclass(slots=True)
class Causes:
    """Each has a number, under which the index remembers it."""

    most: int = MOST
    _causes: list[Cause] = field(default_factory=list)
    _numbers: dict[Cause, int] = field(default_factory=dict)

    def number(self, found: Cause) -> int:
        """There are never more than `most`, and one for each reason."""
        known = self._numbers.get(found)
        if known is not None:
            return known
        if len(self._causes) >= self.most and found.rules != (OTHERS,):
            return self.number(Cause(found.reason, rules=(OTHERS,)))
        self._causes.append(found)
        self._numbers[found] = len(self._causes) - 1
        return len(self._causes) - 1

    def __getitem__(self, number: int) -> Cause:
        return self._causes[number]

    def __len__(self) -> int:
        return len(self._causes)

    def numbers(self, reasons: frozenset[str], statuses: frozenset[int], names: frozenset[str]) -> frozenset[int]:
        """Those of one of the reasons, one of the statuses and one of the names; what is empty excludes none."""
        return frozenset(
            number
            for number, each in enumerate(self._causes)
            if (not reasons or each.reason in reasons)
            and (not statuses or each.status in statuses)
            and (not names or each.name in names)
        )
