"""Groups dead letters by cause: letters that one change would put right belong together."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import orjson

from worker.model.outcomes import ReasonCode
from worker.tools.dead_letters.letters import FOREIGN, Json, Letter

MOST = 2_000
"""So many causes are told apart; a further one counts as `other causes` of its reason."""
RULES_TOLD = 8
TEXT = 120
INDEX = re.compile(r"\[[0-9]+\]")
OTHERS = "other causes"
UNKNOWN = ReasonCode.OUTCOME_UNKNOWN.value


@dataclass(frozen=True, slots=True)
class Cause:
    """Why letters failed. `rules` are the broken ones, each as `path rule` without the indexes in its path.

    For a foreign letter, `rules` are the tool that wrote it and the error that it names. `doubted`: the customer may
    exist, although the reason does not say so.
    """

    reason: str
    status: int | None = None
    error_code: str | None = None
    rules: tuple[str, ...] = ()
    doubted: bool = False

    @property
    def is_doubt(self) -> bool:
        """Whether letters of this cause are doubts."""
        return self.doubted or self.reason == UNKNOWN

    @property
    def name(self) -> str:
        """A name that is the same in every process, and safe in an address: it holds nothing that a producer wrote."""
        told = orjson.dumps([self.reason, self.status, self.error_code, self.rules, *([True] if self.doubted else [])])
        return hashlib.blake2b(told, digest_size=8).hexdigest()


def cause(letter: Letter) -> Cause:
    """The letter's cause; texts are cut to what a line may hold."""
    if letter.reason is None:
        return Cause(FOREIGN, rules=tuple(each[:TEXT] for each in (letter.tool, letter.kind) if each))
    error_code = letter.error_code[:TEXT] if letter.error_code else None
    return Cause(letter.called, letter.status, error_code, _rules(letter.violations), letter.doubted)


def _rules(violations: Iterable[Json]) -> tuple[str, ...]:
    """The broken rules, sorted: the order of an event's elements does not make another cause."""
    found = sorted({_rule(each) for each in violations})
    more = len(found) - RULES_TOLD
    return (*found[:RULES_TOLD], f"and {more} more") if more > 0 else tuple(found)


def _rule(violation: Json) -> str:
    return f"{INDEX.sub('', violation.get('path', ''))} {violation.get('rule', '')}".strip()[:TEXT]


@dataclass(slots=True)
class Group:
    """Counts of the known letters of one cause; times are milliseconds since the epoch."""

    cause: Cause
    count: int = 0
    oldest: int = 0
    newest: int = 0

    def add(self, timestamp: int) -> None:
        """Count one more letter."""
        self.oldest = min(self.oldest, timestamp) if self.count else timestamp
        self.newest = max(self.newest, timestamp) if self.count else timestamp
        self.count += 1


@dataclass(slots=True)
class Causes:
    """Numbers for causes; the index keeps the number of each letter's cause."""

    most: int = MOST
    _causes: list[Cause] = field(default_factory=list)
    _numbers: dict[Cause, int] = field(default_factory=dict)

    def number(self, found: Cause) -> int:
        """The cause's number, new if needed.

        There are at most `most` causes, and for each reason one more, or two where some of its letters are doubts.
        """
        known = self._numbers.get(found)
        if known is not None:
            return known
        if len(self._causes) >= self.most and found.rules != (OTHERS,):
            return self.number(Cause(found.reason, rules=(OTHERS,), doubted=found.doubted))
        self._causes.append(found)
        self._numbers[found] = len(self._causes) - 1
        return len(self._causes) - 1

    def __getitem__(self, number: int) -> Cause:
        return self._causes[number]

    def __len__(self) -> int:
        return len(self._causes)

    def numbers(
        self, reasons: frozenset[str], statuses: frozenset[int], names: frozenset[str], *, doubts: bool = False
    ) -> frozenset[int]:
        """The numbers of the causes with one of these reasons, statuses and names; an empty set excludes none.

        With `doubts`, only those whose letters are doubts.
        """
        return frozenset(
            number
            for number, each in enumerate(self._causes)
            if (not reasons or each.reason in reasons)
            and (not statuses or each.status in statuses)
            and (not names or each.name in names)
            and (not doubts or each.is_doubt)
        )
