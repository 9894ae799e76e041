"""A loaded mapping: which records it passes over or refuses, and what it makes of the others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypedDict

from worker.customer.documents import Json, Unreadable
from worker.events.cloud_events import Unsupported
from worker.events.mapping.budget import Budget, Failure
from worker.events.mapping.expression import Evaluate
from worker.events.mapping.operators import is_true
from worker.events.mapping.places import Place
from worker.events.mapping.result import customer_of, name_of

Ending = Literal["pass_over", "unsupported_event", "undecodable"]


class Seen(TypedDict):
    """What expressions see of a record: its value as JSON, its key as a text, those of its headers that are texts."""

    value: Json
    key: str | None
    headers: dict[str, str]
    topic: str


@dataclass(frozen=True, slots=True)
class Part:
    """One expression of the file: its name there, its function, and where in the file each offset of its text is."""

    name: str
    evaluate: Evaluate
    place: Callable[[int], Place]
    reads_value: bool = True

    def __call__(self, seen: Seen) -> Json:
        """The expression's result. Raises Unreadable, which names the place, where it has none."""
        try:
            return self.evaluate(seen)
        except Failure as error:
            raise self.refused(error) from None

    def refused(self, failure: Failure) -> Unreadable:
        """The failure as an error that names the place in the file."""
        return Unreadable(f"mapping, {self.place(failure.at or 0)}, {self.name}: {failure}")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the mapping: how records end for which `when` is true; `say` is the file's own words."""

    when: Part
    then: Ending
    say: str


@dataclass(frozen=True, slots=True)
class Passed:
    """The record is no event for us, by that rule of the mapping: nobody is told of it."""

    rule: str


@dataclass(frozen=True, slots=True)
class Mapped:
    """An event: its source, id and subject as far as the mapping tells them, and `customer`, which makes its data.

    `customer` raises Unreadable.
    """

    names: dict[str, str]
    customer: Callable[[], Json]


@dataclass(frozen=True, slots=True)
class EventMapping:
    """A mapping. It is pure, and gives the same for the same record on any machine: its work is counted, not timed."""

    rules: tuple[Rule, ...]
    names: dict[str, Part]
    customer: Part
    budget: Budget

    @property
    def passing(self) -> tuple[str, ...]:
        """The words of the rules by which records are passed over."""
        return tuple(dict.fromkeys(rule.say for rule in self.rules if rule.then == "pass_over"))

    def __call__(self, seen: Seen, value: Callable[[], Json]) -> Mapped | Passed:
        """Map what is seen of a record; the first rule that is true decides. Raises Unreadable and Unsupported.

        `value` is called once a rule asks for the record's value: the rules before it apply whatever bytes the value
        is.
        """
        self.budget.renew()
        read = False
        for rule in self.rules:
            if rule.when.reads_value and not read:
                seen["value"], read = value(), True
            if is_true(rule.when(seen)):
                return _ended(rule)
        if not read:
            seen["value"] = value()
        if seen["value"] is None:
            raise Unreadable("the value is null, and no rule of the mapping says what that means")
        return Mapped(self._names(seen), lambda: self._customer(seen))

    def _names(self, seen: Seen) -> dict[str, str]:
        return {name: told for name, part in self.names.items() if (told := self._name(name, part, seen)) is not None}

    def _name(self, name: str, part: Part, seen: Seen) -> str | None:
        given = part(seen)
        if given is None and name == "subject":
            return None
        try:
            return name_of(given)
        except Failure as error:
            raise part.refused(error) from None

    def _customer(self, seen: Seen) -> Json:
        given = self.customer(seen)
        try:
            return customer_of(given, self.budget)
        except Failure as error:
            raise self.customer.refused(error) from None


def _ended(rule: Rule) -> Passed:
    match rule.then:
        case "pass_over":
            return Passed(rule.say)
        case "unsupported_event":
            raise Unsupported(f"mapping: {rule.say}")
        case "undecodable":
            raise Unreadable(f"mapping: {rule.say}")
