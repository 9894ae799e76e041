"""The chart's values, their schema, and what the chart repeats of the worker."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from charting import CHART, VALUES_SCHEMA, completed

from worker import __version__
from worker.settings.settings import Settings

DEPLOY = CHART.parents[1]
SCHEMA = json.loads(VALUES_SCHEMA.read_text())
DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text())
EXAMPLES = [CHART / "ci/everything-values.yaml", DEPLOY / "strimzi/values.yaml"]


def over(defaults: Any, given: Any) -> Any:
    """Defaults with what was given over them, as Helm does it."""
    if not isinstance(defaults, Mapping) or not isinstance(given, Mapping):
        return given
    return {**defaults, **{name: over(defaults.get(name), value) for name, value in given.items()}}


def nested(path: str, value: object) -> Any:
    """`a.b` -> {"a": {"b": value}}."""
    first, _, rest = path.partition(".")
    return {first: nested(rest, value) if rest else value}


def objects(schema: Any) -> Iterator[Any]:
    """Every part of the schema that describes an object with names of our own."""
    if isinstance(schema, list):
        for each in schema:
            yield from objects(each)
    elif isinstance(schema, dict):
        if schema.get("type") == "object" and "properties" in schema:
            yield schema
        for each in schema.values():
            yield from objects(each)


def test_the_schema_knows_every_setting():
    """And what it takes; after a change of the settings: `.venv/bin/python tests/charting.py`."""
    assert completed(json.loads(VALUES_SCHEMA.read_text())) == SCHEMA


def test_the_schema_is_one():
    """Of the draft that every Helm 3 knows."""
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_an_unknown_key_is_refused_everywhere():
    """Except in an environment variable, whose other keys are Kubernetes' own."""
    lenient = [each for each in objects(SCHEMA) if each.get("additionalProperties") is not False]
    assert lenient == [SCHEMA["properties"]["extraEnv"]["items"]]


def test_every_template_that_is_included_is_defined():
    """Helm finds that out as well, where there is one."""
    texts = [file.read_text() for file in (CHART / "templates").rglob("*") if file.is_file()]
    included = {name for text in texts for name in re.findall(r'include "([^"]+)"', text)}
    assert included - {name for text in texts for name in re.findall(r'define "([^"]+)"', text)} == set()


def test_every_value_has_a_default_and_a_schema():
    """`global` alone comes from a chart around this one."""
    assert set(SCHEMA["properties"]) == {*DEFAULTS, "global"}


def test_the_defaults_are_valid():
    """As they stand in values.yaml."""
    jsonschema.validate(DEFAULTS, SCHEMA)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.parent.name)
def test_the_examples_are_valid(example: Path):
    """Over the defaults."""
    jsonschema.validate(over(DEFAULTS, yaml.safe_load(example.read_text())), SCHEMA)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("unknown", {}),
        ("replicas", -1),
        ("image.tagg", "1"),
        ("settings.KAFKA.BOOTSTRAP", "kafka:9092"),
        ("settings.kafka.GROUP_ID", "g"),
        ("settings.KAFKA.PASSWORD", "in plain sight"),
        ("settings.API.PASSWORD", "in plain sight"),
        ("settings.API.ACCOUNTS", "[]"),
        ("settings.KAFKA.SECURITY_PROTOCOL", "TLS"),
        ("settings.DISPATCH.DRAIN_TIMEOUT", "soon"),
        ("settings.OPS.PORT", 70_000),
        ("monitor.kind", "Monitor"),
        ("stopMargin", 0),
        ("secrets", [{"name": "a", "items": [{"key": "password", "as": "WORKER_KAFKA__PASSWRD"}]}]),
    ],
)
def test_a_wrong_value_is_refused(path: str, value: object):
    """A secret among the settings is a wrong value, too: it belongs in a Secret."""
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(over(DEFAULTS, nested(path, value)), SCHEMA)


@pytest.mark.parametrize("name", ["API.BASE_URL", "API.PROXY", "EVENTS.REGISTRY_URL", "KAFKA.OAUTH_TOKEN_URL"])
def test_a_password_in_an_address_is_refused(name: str):
    """It would stand in a ConfigMap before the worker refuses it."""
    for address, is_right in (("https://crm.example.com/a/@b", True), ("https://u:p@crm.example.com", False)):
        values = over(DEFAULTS, nested(f"settings.{name}", address))
        assert jsonschema.Draft7Validator(SCHEMA).is_valid(values) is is_right


def test_defaults_that_the_chart_repeats():
    """They are the worker's own, but for what a pod needs and what has to be told anyway."""
    own = {
        f"{group}.{name}".upper(): value
        for group, content in Settings.model_construct().model_dump().items()
        for name, value in content.items()
    }
    repeated = {
        f"{group}.{name}": value for group, names in DEFAULTS["settings"].items() for name, value in names.items()
    }
    assert {name: value for name, value in repeated.items() if value != own[name]} == {
        "KAFKA.BOOTSTRAP_SERVERS": "kafka:9092",
        "KAFKA.GROUP_INSTANCE_ID": "customer-worker-{ordinal}",
        "API.BASE_URL": "https://crm.example.com",
        "OPS.HOST": "0.0.0.0",  # noqa: S104  in a pod, behind a NetworkPolicy
    }


def test_the_alerts_are_those_of_prometheus():
    """A chart can only read its own files; after a change copy customer-worker.rules.yml over the chart's rules.yml."""
    assert (CHART / "rules.yml").read_text() == (DEPLOY / "prometheus/customer-worker.rules.yml").read_text()


def test_the_version_is_the_workers():
    """The image's default tag follows from it."""
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == __version__
