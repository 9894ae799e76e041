"""An outcome as JSON: written as it is, and read back strictly, since an outcome is never guessed at."""

from typing import get_args

import orjson

from worker.model.outcomes import (
    Failed,
    HttpAnswer,
    Outcome,
    Reason,
    ReasonCode,
    Resolution,
    Rule,
    Succeeded,
    Violation,
)

SUCCEEDED = {"customer_id": str, "location": str, "customer_type": str, "attempts": int, "resolution": str}
RESOLUTIONS: frozenset[str] = frozenset(get_args(Resolution))
RULES: dict[str, Rule] = {rule: rule for rule in get_args(Rule)}


def encode_outcome(outcome: Outcome) -> bytes:
    """Write the outcome in such a way that `decode_outcome` reads the same one."""
    return orjson.dumps(plain(outcome))


def plain(outcome: Outcome) -> object:
    """The outcome as orjson can write it. To write a success as a dictionary takes a fifth of the time."""
    if not isinstance(outcome, Succeeded):
        return outcome
    return {
        "customer_id": outcome.customer_id,
        "location": outcome.location,
        "customer_type": outcome.customer_type,
        "attempts": outcome.attempts,
        "resolution": outcome.resolution,
    }


def decode_outcome(raw: bytes) -> Outcome:
    """Read an outcome. ValueError where the bytes are none."""
    return read_outcome(orjson.loads(raw))


def read_outcome(given: object) -> Outcome:
    """Read an outcome from parsed JSON. ValueError for anything but exactly its fields, each of its own type."""
    if isinstance(given, dict) and {name: type(value) for name, value in given.items()} == SUCCEEDED:
        if given["attempts"] >= 0 and given["resolution"] in RESOLUTIONS:
            return Succeeded(**given)
        raise ValueError("not a success")
    reason, attempts = _fields(given, "reason", "attempts")
    return Failed(_reason(reason), read_count(attempts))


def read_count(given: object) -> int:
    """Read a number from 0 on. ValueError for anything else, and for True, which Python takes for 1."""
    if type(given) is int and given >= 0:
        return given
    raise ValueError("not a count")


def _reason(given: object) -> Reason:
    code, message, violations, http = _fields(given, "code", "message", "violations", "http")
    listed = tuple(_violation(each) for each in _list(violations))
    return Reason(ReasonCode(_text(code)), _text(message), listed, None if http is None else _http(http))


def _http(given: object) -> HttpAnswer:
    status, code = _fields(given, "status", "error_code")
    return HttpAnswer(read_count(status), None if code is None else _text(code))


def _violation(given: object) -> Violation:
    path, rule, limit, allowed = _fields(given, "path", "rule", "limit", "allowed")
    if not isinstance(rule, str) or rule not in RULES:
        raise ValueError("not a rule")
    values = None if allowed is None else tuple(_text(each) for each in _list(allowed))
    return Violation(_text(path), RULES[rule], None if limit is None else read_count(limit), values)


def _fields(given: object, *names: str) -> list[object]:
    """The values of exactly these fields."""
    if isinstance(given, dict) and len(given) == len(names) and all(name in given for name in names):
        return [given[name] for name in names]
    raise ValueError(f"not exactly the fields {names}")


def _list(given: object) -> list[object]:
    if isinstance(given, list):
        return given
    raise ValueError("not a list")


def _text(given: object) -> str:
    if isinstance(given, str):
        return given
    raise ValueError("not a text")
