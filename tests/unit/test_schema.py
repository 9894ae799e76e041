"""The schemas that the commands print."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from worker.cli import app
from worker.customer.table import rows


def printed(name: str) -> Any:
    ended = CliRunner().invoke(app, ["schema", name])
    assert ended.exit_code == 0
    return orjson.loads(ended.stdout)


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for below in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(below)


def resolved(schema: Any, node: Any) -> Any:
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].removeprefix("#/$defs/")]
    return node


def paths(schema: Any, node: Any, path: str = "") -> Iterator[str]:
    """Every element that the schema allows."""
    node = resolved(schema, node)
    for choice in node.get("oneOf", node.get("anyOf", [])):
        yield from paths(schema, choice, path)
    if "items" in node:
        yield from paths(schema, node["items"], f"{path}[]")
    elif node.get("type") == "string":
        yield path.removeprefix(".")
    for name, below in node.get("properties", {}).items():
        yield from paths(schema, below, f"{path}.{name}")


@pytest.mark.parametrize("name", ["customer", "events"])
def test_printed_schema(name: str) -> None:
    """It is JSON Schema 2020-12, complete in itself, and closed where the API is."""
    schema = printed(name)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert all(resolved(schema, node) for node in nodes(schema) if "$ref" in node)
    assert schema["$defs"]["ContactPerson"]["additionalProperties"] is False


def test_elements() -> None:
    """The customer's schema has every element of the model's table, and no other."""
    schema = printed("customer")
    texts = {row.path for row in rows() if not row.path.endswith("[]") and row.path != "department"}
    assert set(paths(schema, schema)) == texts


def test_event_types() -> None:
    """There is one schema for each event that goes in or comes out."""
    schema = printed("events")
    types = [resolved(schema, each)["properties"]["type"]["const"] for each in schema["oneOf"]]
    assert types == [f"customer.create.{name}.v1" for name in ("requested", "confirmed", "succeeded", "failed")]
