"""Makes the Helm chart's schema of `settings` from the worker's settings; run this file to write it into the chart."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from worker.settings.settings import Settings
from worker.settings.sources import NAMES

CHART = Path(__file__).parents[1] / "deploy/helm/customer-worker"
VALUES_SCHEMA = CHART / "values.schema.json"

# Settings that the chart's templates compute with, so that values must have them.
REQUIRED = {
    "KAFKA": ["BOOTSTRAP_SERVERS", "GROUP_ID", "SECURITY_PROTOCOL"],
    "TOPICS": ["REQUESTS", "PARTITIONS"],
    "API": ["BASE_URL"],
    "DISPATCH": ["DRAIN_TIMEOUT"],
    "OPS": ["HOST", "PORT"],
}
# Helm has defaults of its own, and validators do not know `path` as a format.
DROPPED = ("title", "default", "format")


def settings_schema() -> dict[str, Any]:
    """The JSON Schema of `settings` in the chart's values: every setting but the secret ones."""
    schema = Settings.model_json_schema()
    groups = {
        group.upper(): _group(group.upper(), schema["$defs"][reference["$ref"].rpartition("/")[2]])
        for group, reference in schema["properties"].items()
    }
    return {
        "description": "GROUP: {NAME: value} becomes WORKER_<GROUP>__<NAME>.",
        "type": "object",
        "additionalProperties": False,
        "required": list(REQUIRED),
        "properties": groups,
    }


def _group(group: str, model: dict[str, Any]) -> dict[str, Any]:
    names = {name.upper(): dict(_field(field)) for name, field in model["properties"].items() if not _is_secret(field)}
    required = {"required": REQUIRED[group]} if group in REQUIRED else {}
    return {"type": "object", "additionalProperties": False} | required | {"properties": names}


def _is_secret(field: dict[str, Any]) -> bool:
    """Whether the setting is a password, or the list of accounts, which has passwords."""
    return "writeOnly" in json.dumps(field) or "$ref" in json.dumps(field)


def _field(field: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in field.items():
        if key == "anyOf":
            yield key, [dict(_field(choice)) for choice in value]
        elif key not in DROPPED:
            yield key, value


def completed(schema: dict[str, Any]) -> dict[str, Any]:
    """The chart's schema with every part that follows from the settings made anew."""
    for owner in (schema, schema["properties"]["console"]):
        secret_items = owner["properties"]["secrets"]["items"]["properties"]["items"]["items"]["properties"]
        secret_items["as"] = {"description": "The setting that this key holds.", "enum": list(NAMES)}
    schema["properties"]["settings"] = settings_schema()
    return schema


def main() -> None:
    """Write the schema into values.schema.json."""
    schema = json.loads(VALUES_SCHEMA.read_text())
    VALUES_SCHEMA.write_text(json.dumps(completed(schema), indent=2) + "\n")


if __name__ == "__main__":
    main()
