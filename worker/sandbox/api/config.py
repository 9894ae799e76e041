"""The configuration of a sandbox, and the values that are configured in the application that it doubles."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from worker.model.errors import SettingsError

DEFAULT_USER = "apiuser"
DEFAULT_PASSWORD = "sandbox-password"  # noqa: S105 - printed at the start; it guards nothing
FIRST_CUSTOMER_ID = 2801

# The pages do not say how the sixth log-in is refused.
SESSION_LIMIT_STATUS = 403

MAX_BODY_BYTES = 1024 * 1024


class CustomAttribute(BaseModel):
    """One configured custom attribute; `values` are the allowed ones of an enumeration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["string", "enumeration", "number", "date"] = "string"
    values: tuple[str, ...] = ()


class CustomAttributes(BaseModel):
    """The configured custom attributes by name, for each kind of owner."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    customer: dict[str, CustomAttribute] = {}
    contact_person: dict[str, CustomAttribute] = {}
    contact_point: dict[str, CustomAttribute] = {}


class ConfiguredValues(BaseModel):
    """The values that an administrator of the application has configured.

    The defaults are those of the API's examples.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    departments: tuple[str, ...] = ("Service", "Sales")
    levels: tuple[str, ...] = ("Premium", "Standard", "Basic")
    industries: tuple[str, ...] = ("Telecom", "Finance", "Healthcare", "Retail")
    group_types: tuple[str, ...] = ("Association", "Club", "Union")
    group_regions: tuple[str, ...] = ("Europe", "North America", "Asia")
    contact_types: tuple[str, ...] = ("Billing", "Shipping", "Technical")
    identification_types: tuple[str, ...] = ("Passport", "Driving License")
    countries: tuple[str, ...] = ("USA", "India", "United Kingdom")
    custom_attributes: CustomAttributes = CustomAttributes(
        customer={
            "externalid": CustomAttribute(),
            "preferredlang": CustomAttribute(type="enumeration", values=("English", "French", "German")),
        },
        contact_person={"isprimary": CustomAttribute(type="enumeration", values=("y", "n"))},
        contact_point={"prioritysequence": CustomAttribute(type="number")},
    )


@dataclass(frozen=True)
class SandboxConfig:
    """How a sandbox serves and what it allows.

    Port 0 chooses a free port; `context_root` begins with a slash; with `configured=None` any value passes as a
    configured one.

    A session ends `session_lifetime` seconds after its log-in or after `session_calls` calls. After every
    `rotate_after` calls the session gets another id, and its former id stays good until the next rotation. Users may
    create customers in their `home_departments` only (None: in all). With `unique_emails=False` an e-mail address may
    be used again, as the API's examples do. A search finds a customer only `visibility_lag` seconds after it was
    created. An event is known by the custom attribute `identity_attribute`, else by its trace, else by its body.
    """

    host: str = "127.0.0.1"
    port: int = 0
    context_root: str = "/system"
    users: Mapping[str, str] = field(default_factory=lambda: {DEFAULT_USER: DEFAULT_PASSWORD})
    session_limit: int = 5
    session_limit_status: int = SESSION_LIMIT_STATUS
    session_lifetime: float | None = None
    session_calls: int | None = None
    rotate_after: int | None = None
    departmentalization: bool = False
    unique_emails: bool = True
    home_departments: frozenset[str] | None = None
    configured: ConfiguredValues | None = field(default_factory=ConfiguredValues)
    may_create: bool = True
    may_search: bool = True
    login_page: str = "/system/web/apps/login"
    visibility_lag: float = 0.0
    identity_attribute: str | None = "externalid"
    max_customers: int = 2_000_000
    max_stored_bytes: int = 1024 * 1024 * 1024
    seed: int = 0


def read_document(path: Path) -> object:
    """The content of a JSON file (by its suffix) or a TOML file; SettingsError if it cannot be read or parsed."""
    try:
        raw = path.read_bytes()
        return orjson.loads(raw) if path.suffix == ".json" else tomllib.loads(raw.decode())
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"{path}: {error}") from error


def load_configured_values(path: Path) -> ConfiguredValues:
    """Read the catalog file of the worker; lists that it does not name are empty. SettingsError if it is wrong."""
    document = read_document(path)
    empty = {name: () for name in ConfiguredValues.model_fields if name != "custom_attributes"}
    try:
        given = document if isinstance(document, dict) else {"": document}
        return ConfiguredValues.model_validate(empty | {"custom_attributes": {}} | given)
    except ValidationError as error:
        raise SettingsError("\n".join(f"{path}: {line}" for line in told(error))) from error


def told(error: ValidationError, *place: str) -> list[str]:
    """One line per wrong field: its place (within `place`) and what is wrong with it, never its value."""
    return [
        ": ".join(filter(None, [".".join([*place, *map(str, problem["loc"])]), problem["msg"]]))
        for problem in error.errors(include_url=False, include_context=False, include_input=False)
    ]
