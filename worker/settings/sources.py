"""Where settings come from: environment, `.env`, a secrets directory, a TOML file, in this order of precedence."""

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, InitSettingsSource, PydanticBaseSettingsSource

from worker.model.errors import SettingsError
from worker.settings.api import Account
from worker.settings.settings import Settings

PREFIX = "WORKER_"
TESTS = "WORKER_TEST_"


@dataclass(frozen=True, slots=True)
class Given:
    """One value as it was given; `place` says, for a person, where."""

    value: str
    place: str


def load(
    config: Path | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    dotenv: Path = Path(".env"),
    secrets: Path = Path("/run/secrets"),
) -> Settings:
    """Load the settings. Raises SettingsError with one line for each thing that is wrong."""
    given = _given(os.environ if environment is None else environment, dotenv, secrets)
    table = _table(config)
    places = {name: value.place for name, value in given.items()}
    places = {name: str(config) for name in _flat(table)} | places
    if problems := [_unknown(name, place) for name, place in places.items() if name not in NAMES]:
        raise SettingsError("\n".join(problems))
    try:
        return _settings({name: value.value for name, value in given.items()}, table)
    except ValidationError as error:
        raise SettingsError("\n".join(_lines(error, places))) from None


def _given(environment: Mapping[str, str], dotenv: Path, secrets: Path) -> dict[str, Given]:
    sources = [
        {name: Given(text, f"secret {secrets / name}") for name, text in _secrets(secrets)},
        {name: Given(text, str(dotenv)) for name, text in _dotenv(dotenv)},
        {name: Given(text, "environment") for name, text in environment.items()},
    ]
    merged = {name.upper(): given for source in sources for name, given in source.items() if given.value}
    return {name: given for name, given in merged.items() if name.startswith(PREFIX) and not name.startswith(TESTS)}


def _secrets(folder: Path) -> Iterator[tuple[str, str]]:
    try:
        files = sorted(folder.iterdir()) if folder.is_dir() else []
        for file in files:
            if file.is_file() and file.name.upper().startswith(PREFIX):
                yield file.name, file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"secrets directory {folder}: {type(error).__name__}") from None


def _dotenv(file: Path) -> Iterator[tuple[str, str]]:
    try:
        yield from ((name, text or "") for name, text in dotenv_values(file).items())
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise SettingsError(f"{file}: {why}") from None


def _table(config: Path | None) -> dict[str, Any]:
    """The file's tables with all names of groups and settings in lower case.

    Case does not matter, as in the environment.
    """
    if config is None:
        return {}
    table = _lowered(_toml(config), config, "")
    groups = {name: content for name, content in table.items() if isinstance(content, dict)}
    return table | {name: _lowered(content, config, f"{name}.") for name, content in groups.items()}


def _lowered(table: dict[str, Any], config: Path, group: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, content in table.items():
        if name.lower() in found:
            raise SettingsError(f"--config {config}: {group}{name} stands in it twice, in large and in small letters")
        found[name.lower()] = content
    return found


def _toml(config: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(config.read_text("utf-8"))
    except RecursionError:
        raise SettingsError(f"--config {config}: not TOML: nested too deep") from None
    except OSError as error:
        raise SettingsError(f"--config {config}: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"--config {config}: not TOML: {error}") from None


def _flat(table: dict[str, Any]) -> Iterator[str]:
    for group, content in table.items():
        if isinstance(content, dict):
            yield from (f"{PREFIX}{group}__{name}".upper() for name in content)
        else:
            yield f"{PREFIX}{group}".upper()


def _names(model: type[BaseSettings]) -> Iterator[str]:
    for group, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from (f"{PREFIX}{group}__{name}".upper() for name in field.annotation.model_fields)


NAMES = tuple(_names(Settings))


def _unknown(name: str, place: str) -> str:
    # The prefix that all names share must not make any of them similar.
    close = difflib.get_close_matches(name.removeprefix(PREFIX), [each.removeprefix(PREFIX) for each in NAMES], n=1)
    hint = f"; did you mean {PREFIX}{close[0]}?" if close else "; deploy/docs/settings.md lists them all"
    return f"{name} ({place}): no such setting{hint}"


def _settings(values: dict[str, str], table: dict[str, Any]) -> Settings:
    class Variables(EnvSettingsSource):
        def _load_env_vars(self) -> Mapping[str, str | None]:
            return {name.lower(): value for name, value in values.items()}

    class Loaded(Settings):
        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *_: PydanticBaseSettingsSource, **__: PydanticBaseSettingsSource
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return Variables(settings_cls), InitSettingsSource(settings_cls, init_kwargs=table)

    return Loaded()


def _lines(error: ValidationError, places: Mapping[str, str]) -> Iterator[str]:
    for problem in error.errors(include_input=False, include_url=False, include_context=False):
        message = problem["msg"].removeprefix("Value error, ")
        if len(problem["loc"]) < 2:
            yield message
            continue
        name = PREFIX + "__".join(str(part) for part in problem["loc"][:2]).upper()
        inside = _inside(problem["loc"][2:])
        yield f"{name} ({places.get(name, 'default')}): {inside}{message[:1].lower()}{message[1:]}"


def _inside(steps: tuple[int | str, ...]) -> str:
    """Which item of a list it is, and what of an account; a name that is no field of it may be a secret."""
    match steps:
        case (int(number), str(field)):
            return f"[{number}].{field}: " if field in Account.model_fields else f"[{number}]: "
        case _:
            return ""
