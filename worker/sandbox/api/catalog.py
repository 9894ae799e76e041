"""Answers which values are configured. The API's page does not show the answer's shape: this one is the sandbox's own.

    {"attribute": [{"name": "level", "type": "enumeration", "value": ["Premium", ..]},
                   {"name": "customAttributes.customer.externalid", "type": "string", "value": []}, ..]}

XML has the same content: `attributes` around `attribute`, all in the common namespace.
"""

import orjson
from lxml import etree

from worker.sandbox.api.answers import CONTENT_TYPES, Answer, Format, error
from worker.sandbox.api.config import ConfiguredValues
from worker.sandbox.api.elements import COMMON
from worker.sandbox.api.validation import UNSUPPORTED_QUERY

Row = tuple[str, str, tuple[str, ...]]

_LISTS = {
    "department": (("department.name", "departments"),),
    "type": (("group.type", "group_types"), ("group.region", "group_regions")),
    "country": (("country", "countries"),),
    "industry": (("industry", "industries"),),
    "level": (("level", "levels"),),
    "contactPersons": (
        ("contactPerson.type", "contact_types"),
        ("contactPerson.identification.type", "identification_types"),
    ),
    "custom": (),
}


def configured_values(form: Format, configured: ConfiguredValues | None, attribute: str | None) -> Answer:
    """Answer the configured values of one group of attributes, or of `all`; a 400 for another name."""
    if attribute is None or attribute not in {*_LISTS, "all"}:
        return error(form, 400, f"$attribute must be one of {', '.join(_LISTS)}, all", UNSUPPORTED_QUERY)
    asked = list(_LISTS) if attribute == "all" else [attribute]
    rows = [] if configured is None else [row for name in asked for row in _rows(configured, name)]
    body = _json(rows) if form == "json" else _xml(rows)
    return Answer(200, body, CONTENT_TYPES[form])


def _rows(configured: ConfiguredValues, attribute: str) -> list[Row]:
    if attribute != "custom":
        return [(name, "enumeration", getattr(configured, values)) for name, values in _LISTS[attribute]]
    return [
        (f"customAttributes.{owner}.{name}", custom.type, custom.values)
        for owner, customs in configured.custom_attributes
        for name, custom in customs.items()
    ]


def _json(rows: list[Row]) -> bytes:
    return orjson.dumps({"attribute": [{"name": name, "type": kind, "value": values} for name, kind, values in rows]})


def _xml(rows: list[Row]) -> bytes:
    root = etree.Element(f"{{{COMMON}}}attributes", nsmap={None: COMMON})
    for name, kind, values in rows:
        node = etree.SubElement(root, f"{{{COMMON}}}attribute")
        for tag, text in [("name", name), ("type", kind), *(("value", value) for value in values)]:
            etree.SubElement(node, f"{{{COMMON}}}{tag}").text = text
    return etree.tostring(root)
