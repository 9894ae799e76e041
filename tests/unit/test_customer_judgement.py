"""What the judge rests on: pydantic's errors, the catalog, bounded work."""

import asyncio
from typing import Any

import orjson
import pytest
from builders import seed
from patience import PATIENCE

from worker.customer import Customer, Judge
from worker.customer.catalog import Catalog, load_catalog
from worker.customer.live_catalog import QUESTIONS, LiveCatalog
from worker.customer.valid import validators
from worker.customer.violations import RULES
from worker.model.errors import ApiUnavailable, SettingsError
from worker.model.outcomes import MAX_VIOLATIONS, Violation
from worker.tools.validate import catalog_of

# What each kind of schema can raise, from pydantic-core's documentation; those that strict text from JSON or XML can.
RAISED = {
    "str": {"string_type", "string_unicode"},
    "list": {"list_type"},
    "typed-dict": {"dict_type", "missing", "extra_forbidden"},
    "tagged-union": {"union_tag_invalid", "union_tag_not_found", "dict_type"},
    "literal": {"literal_error"},
    "function-after": set(),  # our own checks, whose errors are named by their rule
    "with-info": set(),
    "typed-dict-field": set(),
    "any": set(),
    "definition-ref": set(),
    "definitions": set(),
}
CONSTRAINTS = {
    ("str", "max_length"): "string_too_long",
    ("str", "min_length"): "string_too_short",
    ("str", "pattern"): "string_pattern_mismatch",
    ("list", "min_length"): "too_short",
    ("list", "max_length"): "too_long",
}
KNOWN_KEYS = {
    "type",
    "schema",
    "metadata",
    "ref",
    "schema_ref",
    "config",
    "cls",
    "cls_name",
    "fields",
    "total",
    "definitions",
}
KNOWN_KEYS |= {
    "items_schema",
    "choices",
    "discriminator",
    "strict",
    "expected",
    "function",
    "extra_behavior",
    "extras_schema",
}
KNOWN_KEYS |= {"serialization", "from_attributes", "computed_fields", "required"}


def schemas(node: Any) -> list[dict[str, Any]]:
    """Every schema within a core schema."""
    if isinstance(node, dict):
        below = [each for value in node.values() for each in schemas(value)]
        return [node, *below] if isinstance(node.get("type"), str) and "loc" not in node else below
    return [each for item in node for each in schemas(item)] if isinstance(node, list | tuple) else []


def test_every_error_type_is_mapped() -> None:
    """Whatever the compiled model can raise has a rule, and a schema of another kind or constraint fails here."""
    possible: set[str] = set()
    for node in (each for adapter in validators() for each in schemas(adapter.core_schema)):
        kind = node["type"]
        possible |= RAISED[kind]
        constraints = {name for name in node if (kind, name) in CONSTRAINTS}
        possible |= {CONSTRAINTS[kind, name] for name in constraints}
        assert set(node) - constraints - KNOWN_KEYS == set()
    assert possible - set(RULES) == set()


def individual(**more: Any) -> dict[str, Any]:
    return {**orjson.loads(seed("individual-required.json")), **more}


def test_too_much_to_say() -> None:
    """An event with far too many faults is judged by its beginning, in bounded time, and never accepted."""
    many = Judge().judge(individual(**{f"x{number}": "" for number in range(20_000)}))
    hidden = Judge().judge(individual(contactPersons=[{"firstName": "Jack"}] * 10 + [{}] * 1000))
    assert isinstance(many, tuple)
    assert isinstance(hidden, tuple)
    assert len(many) < MAX_VIOLATIONS
    assert many[-1] == hidden[-1] == Violation("", "count", MAX_VIOLATIONS)


def with_values(name: str, *values: str) -> dict[str, Any]:
    return individual(customAttributes=[{"attribName": name, "attribValues": list(values)}])


ATTRIBUTES = {"language": {"type": "enumeration", "values": ["English"]}, "note": {"type": "string"}}


@pytest.mark.parametrize(("name", "rule"), [("language", "configured_values"), ("note", "characters")])
def test_every_value_of_an_attribute(name: str, rule: str) -> None:
    """Each that breaks the rule is told, not the first alone; of far too many the beginning."""
    judge = Judge(catalog=Catalog.model_validate({"custom_attributes": {"customer": ATTRIBUTES}}))
    place = "customAttributes.customAttribute[0].attribValues.attribValue"
    few, many = (judge.judge(with_values(name, "a|b", "English", *["c|d"] * more)) for more in (1, 20_000))
    assert isinstance(few, tuple)
    assert isinstance(many, tuple)
    assert [(each.path, each.rule) for each in few] == [(f"{place}[{number}].value", rule) for number in (0, 2)]
    assert many == (*few, Violation("", "count", MAX_VIOLATIONS))


CATALOG = """
levels = ["Premium"]
[custom_attributes.customer]
birthday = {type = "date"}
language = {type = "enumeration", values = ["English"]}
note = {}
"""


def test_catalog_file(tmp_path: Any) -> None:
    """TOML and JSON say the same; what a catalog does not name is not checked."""
    toml, json = tmp_path / "catalog.toml", tmp_path / "catalog.json"
    toml.write_text(CATALOG)
    json.write_bytes(orjson.dumps(load_catalog(toml).model_dump(mode="json")))
    assert load_catalog(toml) == load_catalog(json)
    judge = Judge(catalog=load_catalog(toml))
    assert judge.judge(individual(level="Gold")) == (Violation("level.value", "configured_values", None, ("Premium",)),)
    assert isinstance(judge.judge(individual(level="Premium", industry="Any")), Customer)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("levels = 5", "levels"),
        ("colors = []", "colors"),
        ("levels =", "Invalid value"),
        ("levels = " + "[" * 20_000, "nested too deep"),
        (None, "No such file"),
    ],
    ids=lambda each: str(each)[:20],
)
def test_catalog_faults(tmp_path: Any, text: str | None, said: str) -> None:
    """They name the setting, or the option, then the file and the place."""
    path = tmp_path / "catalog.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SettingsError, match=rf"^WORKER_CUSTOMER__CATALOG: .*catalog\.toml: .*{said}"):
        catalog_of(None, str(path))
    with pytest.raises(SettingsError, match=rf"^--catalog: .*catalog\.toml: .*{said}"):
        catalog_of(path, None)


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("birthday", "9/12/1965 + 1", None),
        ("language", "English", None),
        ("language", "Latin", "configured_values"),
        ("note", "100 %", "characters"),
        ("note", "naïve, (yes?) #1 = 'a' \"b\" @c:d_e-f&g", None),
        ("other", "x", "configured_values"),
    ],
)
def test_custom_attribute(tmp_path: Any, name: str, value: str, rule: str | None) -> None:
    """Its configured type decides what its values are held against; no source states a rule for dates and numbers."""
    path = tmp_path / "catalog.toml"
    path.write_text(CATALOG)
    given = individual(customAttributes=[{"attribName": name, "attribValues": [value]}])
    judged = Judge(catalog=load_catalog(path)).judge(given)
    assert (judged[0].rule if isinstance(judged, tuple) else None) == rule


def test_custom_attributes_that_nobody_knows() -> None:
    """Each may be an enumeration, and the page restricts the characters of strings alone."""
    values = ["100 %", "a/b;c", "<>"]
    attributes = [{"attribName": "any", "attribValues": values}]
    point = {"type": {"value": "email", "email": {"emailAddress": "a@b.cd"}}, "customAttributes": attributes}
    person = {"firstName": "Jack", "customAttributes": attributes, "contactPoints": [point]}
    given = individual(customAttributes=attributes, contactPersons=[person])
    assert isinstance(Judge().judge(given), Customer)
    known = Catalog.model_validate({"custom_attributes": {"contact_person": {"any": {}}}})
    broken = Judge(catalog=known).judge(given)
    assert isinstance(broken, tuple)
    assert {each.path.partition(".customAttributes")[0] for each in broken} == {"contactPersons.contactPerson[0]"}


def test_many_configured_values() -> None:
    """A long list is not repeated in every violation."""
    catalog = Catalog(levels=frozenset(f"level {number}" for number in range(1000)))
    assert Judge(catalog=catalog).judge(individual(level="x")) == (Violation("level.value", "configured_values"),)


class Api:
    """Answers what its script says; an exception is raised."""

    def __init__(self, answers: dict[str, bytes | Exception]) -> None:
        self.answers = answers
        self.asked = 0
        self.all_asked = asyncio.Event()

    async def attributes(self, name: str) -> bytes:
        self.asked += 1
        if self.asked == len(QUESTIONS):
            self.all_asked.set()
        answer = self.answers.get(name, b"")
        if isinstance(answer, Exception):
            raise answer
        return answer


def answer(*entries: tuple[str, str, list[str]]) -> bytes:
    return orjson.dumps(
        {"attribute": [{"name": name, "type": kind, "value": values} for name, kind, values in entries]}
    )


ANSWERS: dict[str, bytes | Exception] = {
    "level": answer(("level", "enumeration", ["Premium"])),
    "type": answer(("group.type", "enumeration", ["Club"]), ("group.region", "enumeration", [])),
    "custom": answer(("customAttributes.customer.note", "string", []), ("customAttributes.robot.x", "string", [])),
}


async def test_live_catalog() -> None:
    """Before the first refresh nothing is known, after it what was answered; what has no value stays unknown."""
    live = LiveCatalog(Api(dict(ANSWERS)))
    assert live.values("levels") is None
    assert await live.refresh()
    assert (live.values("levels"), live.values("group_regions")) == (frozenset({"Premium"}), None)
    assert set(live.attributes("customer") or ()) == {"note"}
    assert live.attributes("contact_person") is None


@pytest.mark.parametrize(
    "bad", [ApiUnavailable("no route"), b"<html>", b"[]", b'{"attribute": [{"name": "level", "value": 5}]}']
)
async def test_live_catalog_and_a_failed_refresh(bad: bytes | Exception) -> None:
    """What could not be renewed stays as it was, and the rest is renewed."""
    api = Api(dict(ANSWERS))
    live = LiveCatalog(api)
    await live.refresh()
    api.answers |= {"level": bad, "country": answer(("country", "enumeration", ["USA"]))}
    assert not await live.refresh()
    assert (live.values("levels"), live.values("countries")) == (frozenset({"Premium"}), frozenset({"USA"}))


async def test_live_catalog_in_the_background() -> None:
    """It begins at once and goes on until it is cancelled."""
    api = Api(dict(ANSWERS))
    task = asyncio.create_task(LiveCatalog(api).keep_fresh(3600))
    async with asyncio.timeout(PATIENCE):
        await api.all_asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
