"""Reads faults from where they are written: a TOML or JSON file, the command line, a control call."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from worker.model.errors import SettingsError
from worker.sandbox.api.config import read_document, told
from worker.sandbox.api.faults import MAX_FAULTS, Fault, Kind, Match

_SECONDS_BY_CHANCE = {Kind.DELAY_BEFORE: 1.0, Kind.DELAY_AFTER: 1.0, Kind.SLOW: 1.0}


class WrongFaults(Exception):
    """The faults are wrong: one line per wrong field, which begins with the field's place."""


def read_faults(document: object) -> list[Fault]:
    """The faults of a document: one fault, a list of them, or `{"faults": [..]}`; WrongFaults if one is wrong."""
    specs = document.get("faults", document) if isinstance(document, dict) else document
    if isinstance(specs, dict):
        specs = [specs]
    if not isinstance(specs, list) or (isinstance(document, dict) and "faults" in document and len(document) > 1):
        raise WrongFaults('one fault, a list of faults, or {"faults": [..]} and nothing beside it is expected')
    if len(specs) > MAX_FAULTS:
        raise WrongFaults(f"more than {MAX_FAULTS} faults")
    return [_fault(spec, f"faults[{index}]") for index, spec in enumerate(specs)]


def _fault(spec: object, place: str) -> Fault:
    try:
        return Fault.model_validate(spec)
    except ValidationError as error:
        raise WrongFaults("\n".join(told(error, place))) from error


def load_faults(path: Path) -> list[Fault]:
    """The faults of a file (`[[faults]]` in TOML); SettingsError names the wrong fields."""
    try:
        return read_faults(read_document(path))
    except WrongFaults as error:
        raise SettingsError("\n".join(f"{path}: {line}" for line in str(error).splitlines())) from error


def faults_by_chance(options: Iterable[str]) -> list[Fault]:
    """The faults of options such as `reply_lost=0.01` (a kind) or `503=0.05` (a status), each with its probability."""
    return [_by_chance(option) for option in options]


def _by_chance(option: str) -> Fault:
    name, _, probability = option.partition("=")
    try:
        match = Match.model_validate({"probability": probability})
        if name.isdecimal():
            return Fault(kind=Kind.STATUS, status=int(name), match=match)
        kind = Kind(name)
        return Fault(kind=kind, seconds=_SECONDS_BY_CHANCE.get(kind), match=match)
    except ValidationError as error:
        raise SettingsError("\n".join(f"--fault-probability {option}: {line}" for line in told(error))) from error
    except ValueError as error:
        kinds = ", ".join(Kind)
        raise SettingsError(f"--fault-probability {option}: no such kind; there are {kinds}, or a status") from error
