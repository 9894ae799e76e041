"""The values that an administrator configured in the application, as far as we know them."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from worker.model.errors import SettingsError

AttributeType = Literal["string", "enumeration", "number", "date"]
Scope = Literal["customer", "contact_person", "contact_point"]
Choice = Literal[
    "departments",
    "levels",
    "industries",
    "group_types",
    "group_regions",
    "contact_types",
    "identification_types",
    "countries",
]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Attribute(_Section):
    """One custom attribute; only an enumeration has `values`."""

    type: AttributeType = "string"
    values: tuple[str, ...] = ()


class CustomAttributes(_Section):
    """The custom attributes of each level; None where they are not known, and then not checked."""

    customer: Mapping[str, Attribute] | None = None
    contact_person: Mapping[str, Attribute] | None = None
    contact_point: Mapping[str, Attribute] | None = None


class Catalog(_Section):
    """Configured values by kind; None where they are not known and not checked (docs: rules, configured values)."""

    departments: frozenset[str] | None = None
    levels: frozenset[str] | None = None
    industries: frozenset[str] | None = None
    group_types: frozenset[str] | None = None
    group_regions: frozenset[str] | None = None
    contact_types: frozenset[str] | None = None
    identification_types: frozenset[str] | None = None
    countries: frozenset[str] | None = None
    custom_attributes: CustomAttributes = CustomAttributes()

    def values(self, choice: Choice) -> frozenset[str] | None:
        """The configured values of that kind; None where they are not known."""
        found: frozenset[str] | None = getattr(self, choice)
        return found

    def attributes(self, scope: Scope) -> Mapping[str, Attribute] | None:
        """The custom attributes of that level; None where they are not known."""
        found: Mapping[str, Attribute] | None = getattr(self.custom_attributes, scope)
        return found


def load_catalog(path: Path, named: str = "WORKER_CUSTOMER__CATALOG") -> Catalog:
    """Read a TOML file, or a JSON file by its name. SettingsError with a line per fault; `named` is what named it."""
    try:
        raw = path.read_bytes()
        return Catalog.model_validate(orjson.loads(raw) if path.suffix == ".json" else tomllib.loads(raw.decode()))
    except OSError as error:
        raise SettingsError(f"{named}: {path}: {error.strerror}") from None
    except ValidationError as error:
        faults = (f"{named}: {path}: {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise SettingsError("\n".join(faults)) from None
    except RecursionError:
        raise SettingsError(f"{named}: {path}: nested too deep") from None
    except ValueError as error:
        raise SettingsError(f"{named}: {path}: {error}") from None
