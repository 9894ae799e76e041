"""The sandbox's faults: which call one strikes, and how they are written down."""

from pathlib import Path
from typing import Any

import pytest

from worker.model.errors import SettingsError
from worker.sandbox.api.config import load_configured_values
from worker.sandbox.api.fault_script import WrongFaults, faults_by_chance, load_faults, read_faults
from worker.sandbox.api.faults import Call, Fault, Faults, Kind, Match, Seen


def call(first_name: str = "Jack", identity: str = "event-1", name: Call = "create") -> Seen:
    return Seen(name, lambda: identity, lambda element: [first_name] if element == "firstName" else [])


def struck(fault: Fault, *calls: Seen, seed: int = 0) -> list[bool]:
    faults = Faults(seed)
    faults.add(fault)
    return [faults.on_reading(each) is not None for each in calls]


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        (Match(), [True, True, True]),
        (Match(identity="2"), [False, True, False]),
        (Match(equals={"firstName": "Ann"}), [True, False, False]),
        (Match(contains={"firstName": "o"}), [False, True, True]),
        (Match(contains={"firstName": "o"}, identity="3"), [False, False, True]),
        (Match(nth=2), [False, True, False]),
        (Match(contains={"firstName": "o"}, nth=2), [False, False, True]),
        (Match(equals={"pin": "Ann"}), [False, False, False]),
        (Match(probability=0), [False, False, False]),
    ],
)
def test_a_match(match: Match, expected: list[bool]) -> None:
    """All that is given must hold; `nth` counts where the rest holds."""
    calls = [call("Ann", "1"), call("Bob", "2"), call("Tom", "3")]
    assert struck(Fault(kind=Kind.HANG, match=match), *calls) == expected


def test_a_number_of_times() -> None:
    """Afterwards the call is as without it, and the next fault gets its turn."""
    faults = Faults()
    faults.add(Fault(kind=Kind.STATUS, times=2))
    faults.add(Fault(kind=Kind.HANG))
    kinds = [each.kind for _ in range(3) if (each := faults.on_reading(call()))]
    assert kinds == [Kind.STATUS, Kind.STATUS, Kind.HANG]
    assert [(each.hits, each.is_spent) for each in faults.active] == [(2, True), (1, False)]


def test_a_probability() -> None:
    """The same seed strikes the same calls, another one others."""
    fault, calls = Fault(kind=Kind.STATUS, match=Match(probability=0.5)), [call() for _ in range(200)]
    first = struck(fault, *calls, seed=1)
    assert first == struck(fault, *calls, seed=1)
    assert first != struck(fault, *calls, seed=2)
    assert 50 < sum(first) < 150


def test_another_call() -> None:
    """A fault of the login strikes no create, and a reset strikes on arrival alone."""
    faults = Faults()
    faults.add(Fault(kind=Kind.STATUS, call="login"))
    faults.add(Fault(kind=Kind.RESET))
    assert faults.on_reading(call()) is None
    assert faults.on_reading(call(name="login")) is not None
    assert faults.on_arrival(call()) is not None


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "faults[0].kind: Field required"),
    ({"kind": "explode"}, "faults[0].kind"),
    ({"kind": "status", "statsu": 503}, "faults[0].statsu"),
    ({"kind": "status", "status": 99}, "faults[0].status"),
    ({"kind": "hang", "status": 503}, "status, headers and body are for"),
    ({"kind": "delay_before"}, "seconds must be given"),
    ({"kind": "delay_before", "seconds": -1}, "faults[0].seconds"),
    ({"kind": "status", "seconds": 1}, "seconds must be given"),
    ({"kind": "status", "times": 0}, "faults[0].times"),
    ({"kind": "status", "match": {"probability": 2}}, "faults[0].match.probability"),
    ({"kind": "status", "match": {"firstName": "Jack"}}, "faults[0].match.firstName"),
    ({"kind": "status", "headers": {"X": "a\r\nb"}}, "faults[0].headers"),
    ({"kind": "reset", "match": {"identity": "1"}}, "match: identity"),
    ({"kind": "status", "call": "login", "match": {"identity": "1"}}, "match: identity"),
    ({"kind": "location_missing", "call": "search"}, "call: "),
    ({"kind": "expire_session", "call": "login"}, "call: "),
    ({"kind": "login_page", "call": "login"}, "call: "),
]


@pytest.mark.parametrize(("spec", "told"), WRONG)
def test_a_wrong_fault(spec: dict[str, Any], told: str) -> None:
    """The message names the field."""
    with pytest.raises(WrongFaults) as wrong:
        read_faults([spec])
    assert told in str(wrong.value)


@pytest.mark.parametrize("document", ["x", 7, None, {"faults": 1}, {"faults": [], "fault": []}])
def test_a_document_that_holds_no_faults(document: object) -> None:
    """It is refused as a whole."""
    with pytest.raises(WrongFaults):
        read_faults(document)


def test_a_file(tmp_path: Path) -> None:
    """TOML and JSON say the same."""
    toml, json = tmp_path / "faults.toml", tmp_path / "faults.json"
    toml.write_text('[[faults]]\nkind = "status"\nstatus = 503\nmatch.equals = {firstName = "Ann"}\ntimes = 1\n')
    json.write_text('[{"kind": "status", "status": 503, "match": {"equals": {"firstName": "Ann"}}, "times": 1}]')
    assert load_faults(toml) == load_faults(json)
    assert load_faults(toml) == [Fault(kind=Kind.STATUS, status=503, match=Match(equals={"firstName": "Ann"}), times=1)]


@pytest.mark.parametrize(
    ("text", "told"), [("[[faults]]\nkind = 1", "faults[0].kind"), ("[[faults", "Expected"), (None, "cannot be read")]
)
def test_a_wrong_file(tmp_path: Path, text: str | None, told: str) -> None:
    """The message names the file and what is wrong with it."""
    path = tmp_path / "faults.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SettingsError) as wrong:
        load_faults(path)
    assert str(wrong.value).startswith(f"{path}: ")
    assert told in str(wrong.value)


def test_faults_by_chance() -> None:
    """A kind or a status, with its probability."""
    lost, unavailable, late = faults_by_chance(["reply_lost=0.01", "503=0.5", "delay_before=1"])
    assert (lost.kind, lost.match.probability) == (Kind.REPLY_LOST, 0.01)
    assert (unavailable.kind, unavailable.status) == (Kind.STATUS, 503)
    assert (late.kind, late.seconds) == (Kind.DELAY_BEFORE, 1.0)


@pytest.mark.parametrize("option", ["reply_lost", "reply_lost=2", "reply_lost=x", "nonsense=0.1", "42=0.1", ""])
def test_a_wrong_chance(option: str) -> None:
    """The message repeats the option."""
    with pytest.raises(SettingsError) as wrong:
        faults_by_chance([option])
    assert str(wrong.value).startswith(f"--fault-probability {option}: ")


def test_a_catalog_file(tmp_path: Path) -> None:
    """What it does not name is empty, and a wrong name is told."""
    path = tmp_path / "catalog.toml"
    path.write_text('levels = ["Gold"]\n[custom_attributes.customer]\nref = {type = "string"}\n')
    configured = load_configured_values(path)
    assert (configured.levels, configured.industries) == (("Gold",), ())
    assert list(configured.custom_attributes.customer) == ["ref"]
    path.write_text('level = ["Gold"]\n')
    with pytest.raises(SettingsError, match="level"):
        load_configured_values(path)
    path.write_text("levels = " + "[" * 20_000)
    with pytest.raises(SettingsError, match="nested too deep"):
        load_configured_values(path)
