"""The JSON Schema of a customer, read off the model."""

from typing import Any

from pydantic import TypeAdapter

from worker.customer.customer import GroupCustomer, IndividualCustomer

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def customer_schema() -> dict[str, Any]:
    """The customer in exactly the API's form, as far as a schema can state it.

    The shorter forms that the worker also takes are left out.
    """
    adapter: TypeAdapter[Any] = TypeAdapter(IndividualCustomer | GroupCustomer)
    schema = adapter.json_schema()
    definitions = schema.pop("$defs")
    wrappers = {f"#/$defs/{name}": node for name, node in definitions.items() if name.startswith("Value_")}
    elements = {name: node for name, node in definitions.items() if not name.startswith("Value_")}
    return {
        "$schema": DRAFT,
        "$id": "urn:customer-worker:schema:customer",
        "title": "Customer",
        "description": "The data of customer.create.requested.v1",
        **_tidy(schema, wrappers),
        "$defs": _tidy(elements, wrappers),
    }


def _tidy(node: Any, wrappers: dict[str, Any]) -> Any:  # noqa: ANN401  # any JSON
    """The node with wrappers of one value put in place, and without titles that repeat a name or OpenAPI's keywords."""
    if isinstance(node, list):
        return [_tidy(item, wrappers) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("$ref") in wrappers:
        return _tidy({**wrappers[node["$ref"]], "description": None}, wrappers)
    kept = {name: value for name, value in node.items() if name not in ("discriminator", "title") and value is not None}
    return {name: _tidy(value, wrappers) for name, value in kept.items()}
