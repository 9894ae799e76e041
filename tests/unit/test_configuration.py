"""Every source of settings, which one wins, and what is said when something is wrong."""

import errno
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from worker.model.errors import SettingsError
from worker.settings.group import Group
from worker.settings.settings import Settings
from worker.settings.sources import NAMES, load

Load = Callable[..., Settings]


@pytest.fixture
def given(tmp_path: Path) -> Load:
    """Loads settings from nothing but what the test gives."""

    def load_given(
        environment: dict[str, str] | None = None,
        *,
        toml: str | None = None,
        dotenv: str | None = None,
        secrets: dict[str, str] | None = None,
    ) -> Settings:
        folder = tmp_path / "secrets"
        folder.mkdir(exist_ok=True)
        for name, text in (secrets or {}).items():
            (folder / name).write_text(text)
        if dotenv is not None:
            (tmp_path / ".env").write_text(dotenv)
        config = tmp_path / "worker.toml" if toml is not None else None
        if config:
            config.write_text(toml or "")
        return load(config, environment=environment or {}, dotenv=tmp_path / ".env", secrets=folder)

    return load_given


def test_nothing_given(given: Load) -> None:
    """Every setting has a default."""
    assert given().model_dump() == Settings().model_dump()


def test_environment(given: Load) -> None:
    """A group and a name, with two underscores between."""
    assert given({"WORKER_KAFKA__GROUP_ID": "g"}).kafka.group_id == "g"


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ({"URL": "registry.example.com"}, "REGISTRY_URL.*must be scheme, host, port and path"),
        ({"URL": "https://user:secret@registry.example.com"}, "REGISTRY_URL.*must be scheme, host, port and path"),
        ({"URL": "https://:secret@registry.example.com"}, "REGISTRY_URL.*must be scheme, host, port and path"),
        ({"URL": "https://r", "USERNAME": "u:secret"}, "REGISTRY_USERNAME.*should match pattern"),
        ({"URL": "https://r", "USERNAME": "u", "TOKEN": "t"}, "_TOKEN and WORKER_EVENTS__REGISTRY_USERNAME exclude"),
        ({"URL": "https://r", "PASSWORD": "secret"}, "REGISTRY_PASSWORD: needs WORKER_EVENTS__REGISTRY_USERNAME"),
        ({"TOKEN": "secret"}, "REGISTRY_URL: required with the other settings"),
        ({"CA_FILE": "ca.pem"}, "REGISTRY_URL: required with the other settings"),
    ],
)
def test_a_registry_that_cannot_be_meant(given: Load, named: dict[str, str], told: str) -> None:
    """Each says which setting it is, and no secret."""
    with pytest.raises(SettingsError, match=told) as wrong:
        given({f"WORKER_EVENTS__REGISTRY_{name}": value for name, value in named.items()})
    assert "secret" not in str(wrong.value)


def test_a_registry(given: Load) -> None:
    """Its path is kept, without a slash at its end."""
    loaded = given({"WORKER_EVENTS__REGISTRY_URL": "https://r.example.com/apis/ccompat/v7/"}).events
    assert loaded.registry_url == "https://r.example.com/apis/ccompat/v7"


def test_a_registry_s_path_with_a_blank(given: Load) -> None:
    """It stands in the address as addresses have it."""
    loaded = given({"WORKER_EVENTS__REGISTRY_URL": " https://r.example.com/a b/v%37\n"}).events
    assert loaded.registry_url == "https://r.example.com/a%20b/v7"


def test_dotenv(given: Load) -> None:
    """The `.env` file holds the same names as the environment."""
    assert given(dotenv="WORKER_RETRY__MAX_ATTEMPTS=7\n").retry.max_attempts == 7


def test_secrets_directory(given: Load) -> None:
    """A secret's file name is the variable's name; the line end of its text is no part of it."""
    loaded = given(secrets={"worker_api__password": "s3cret\n", "unrelated": "x"})
    assert loaded.api.password.get_secret_value() == "s3cret"


def test_toml(given: Load) -> None:
    """A group is a table."""
    loaded = given(toml='[topics]\npartitions = 3\n[api]\naccounts = [{username = "a", password = "b"}]\n')
    assert loaded.topics.partitions == 3
    assert loaded.api.accounts[0].username == "a"


def test_every_source_at_once(given: Load) -> None:
    """The environment wins over `.env`, that over the secrets, those over the TOML file; other names stay."""
    name = "WORKER_KAFKA__CLIENT_ID"
    toml = '[kafka]\nclient_id = "toml"\ngroup_id = "toml"\n'
    sources: dict[str, Any] = {"toml": toml, "secrets": {name: "secret"}, "dotenv": f"{name}=dotenv\n"}
    first = given({name: "environment"}, **sources).kafka
    assert (first.client_id, first.group_id) == ("environment", "toml")


@pytest.mark.parametrize(
    ("sources", "winner"),
    [
        ({"secrets": "secret", "toml": "toml"}, "secret"),
        ({"dotenv": "dotenv", "secrets": "secret", "toml": "toml"}, "dotenv"),
    ],
)
def test_sources_below_the_environment(given: Load, sources: dict[str, str], winner: str) -> None:
    """Each source gives way to the one above it."""
    name = "WORKER_KAFKA__CLIENT_ID"
    text: dict[str, Any] = {
        "secrets": {name: sources["secrets"]},
        "toml": f'[kafka]\nclient_id = "{sources["toml"]}"\n',
        "dotenv": f"{name}={sources['dotenv']}\n" if "dotenv" in sources else None,
    }
    assert given({}, **text).kafka.client_id == winner


def test_empty_value(given: Load) -> None:
    """An empty variable is as good as none, and hides no source below it."""
    loaded = given({"WORKER_KAFKA__GROUP_ID": ""}, toml='[kafka]\ngroup_id = "toml"\n')
    assert loaded.kafka.group_id == "toml"


def test_lower_case(given: Load) -> None:
    """Case makes no difference."""
    assert given({"worker_kafka__group_id": "g"}).kafka.group_id == "g"


def test_variables_of_the_tests(given: Load) -> None:
    """WORKER_TEST_ and what does not begin with WORKER_ are nobody's settings."""
    assert (
        given({"WORKER_TEST_KAFKA": "127.0.0.1:1", "PATH": "/bin", "WORKERS": "2"}).model_dump()
        == Settings().model_dump()
    )


@pytest.mark.parametrize("source", ["environment", "dotenv", "secrets", "toml"])
def test_unknown_name(given: Load, source: str) -> None:
    """It is an error wherever it stands, with its place and the nearest name that there is."""
    name = "WORKER_KAFKA__BOOTSTRAP_SERVER"
    sources: dict[str, Any] = {
        "environment": {"environment": {name: "x"}},
        "dotenv": {"dotenv": f"{name}=x\n"},
        "secrets": {"secrets": {name: "x"}},
        "toml": {"toml": '[kafka]\nbootstrap_server = "x"\n'},
    }
    place = {"environment": "environment", "dotenv": ".env", "secrets": "secret", "toml": "worker.toml"}[source]
    with pytest.raises(SettingsError) as raised:
        given(**sources[source])
    text = str(raised.value)
    assert text.startswith(f"{name} (")
    assert place in text
    assert text.endswith("did you mean WORKER_KAFKA__BOOTSTRAP_SERVERS?")


def test_unknown_name_like_no_other(given: Load) -> None:
    """Without a near name there is no suggestion."""
    with pytest.raises(SettingsError, match=r"^WORKER_XYZ \(environment\): no such setting; deploy/docs/settings"):
        given({"WORKER_XYZ": "1"})


def test_several_wrong_values(given: Load) -> None:
    """Each gets its own line with its name and place."""
    with pytest.raises(SettingsError) as raised:
        given({"WORKER_RETRY__MAX_ATTEMPTS": "many"}, toml="[ops]\nport = 70000\n")
    lines = sorted(str(raised.value).splitlines())
    assert [line.partition(":")[0].partition(" (")[0] for line in lines] == [
        "WORKER_OPS__PORT",
        "WORKER_RETRY__MAX_ATTEMPTS",
    ]
    assert "worker.toml" in lines[0]
    assert "(environment)" in lines[1]


@pytest.mark.parametrize(
    "environment",
    [
        {"WORKER_API__ACCOUNTS": '[{"username": "u", "password": "s3cret", "nope": 1}]'},
        {"WORKER_API__ACCOUNTS": '[{"username": "u", "password": "s3cret"'},
        {"WORKER_API__ACCOUNTS": '[{"username": "u", "pass": "s3cret"}]'},
        {"WORKER_API__PASSWORD": "s3cret", "WORKER_API__BASE_URL": "https://user:s3cret@crm.example.com"},
        {"WORKER_KAFKA__PASSWORD": "s3cret", "WORKER_KAFKA__SASL_MECHANISM": "s3cret"},
    ],
)
def test_secret_in_a_wrong_setting(given: Load, environment: dict[str, str]) -> None:
    """What is wrong is told without the value."""
    with pytest.raises(SettingsError) as raised:
        given(environment)
    assert "WORKER_" in str(raised.value)
    assert "s3cret" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_the_place_in_a_list_of_accounts(given: Load) -> None:
    """Which account it is, counted from 0, and what of it; a name that nobody knows may be a secret."""
    accounts = '[{"username": "u", "password": "p"}, {"username": "u", "s3cret": "p"}]'
    with pytest.raises(SettingsError) as raised:
        given({"WORKER_API__ACCOUNTS": accounts})
    assert str(raised.value).splitlines() == [
        "WORKER_API__ACCOUNTS (environment): [1].password: field required",
        "WORKER_API__ACCOUNTS (environment): [1]: extra inputs are not permitted",
    ]


def test_a_short_token(given: Load) -> None:
    """Told by what it lacks."""
    with pytest.raises(SettingsError, match=r"^WORKER_CONSOLE__TOKEN \(environment\): has fewer than 16 characters$"):
        given({"WORKER_CONSOLE__TOKEN": "s3cret"})
    assert given({"WORKER_CONSOLE__TOKEN": "s" * 16}).console.token


def test_secrets_in_loaded_settings(given: Load) -> None:
    """Printing the settings shows no secret."""
    accounts = '[{"username": "u", "password": "s3cret"}]'
    login = {"WORKER_KAFKA__SECURITY_PROTOCOL": "SASL_SSL", "WORKER_KAFKA__USERNAME": "u"}
    environment = login | {"WORKER_API__PASSWORD": "s3cret", "WORKER_KAFKA__PASSWORD": "s3cret"}
    loaded = given(environment | {"WORKER_API__ACCOUNTS": accounts})
    assert loaded.api.accounts[0].password.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(loaded) + str(loaded) + loaded.model_dump_json()


def test_broken_toml(given: Load) -> None:
    """The line is named."""
    with pytest.raises(SettingsError, match=r"worker\.toml: not TOML: .*line 2"):
        given(toml="[kafka]\ngroup_id = \n")


def test_missing_toml(tmp_path: Path) -> None:
    """A file that was asked for must be there."""
    with pytest.raises(SettingsError, match=r"^--config .*nothing\.toml: No such file"):
        load(tmp_path / "nothing.toml", environment={}, dotenv=tmp_path / ".env", secrets=tmp_path)


def test_toml_that_is_no_text(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are no TOML."""
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="not TOML"):
        load(tmp_path / "binary.toml", environment={}, dotenv=tmp_path / ".env", secrets=tmp_path)


def test_value_where_a_table_belongs(given: Load) -> None:
    """A group's name alone is no setting."""
    with pytest.raises(SettingsError, match="WORKER_KAFKA"):
        given(toml='kafka = "127.0.0.1:9092"\n')


def test_secrets_that_are_no_text(tmp_path: Path) -> None:
    """The directory is named, not the content."""
    (tmp_path / "WORKER_API__PASSWORD").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"^secrets directory"):
        load(environment={}, dotenv=tmp_path / ".env", secrets=tmp_path)


def test_a_dotenv_that_is_no_text(tmp_path: Path) -> None:
    """The file is named, not the content."""
    (tmp_path / ".env").write_bytes(b"WORKER_KAFKA__GROUP_ID=\xff\n")
    with pytest.raises(SettingsError, match=r"^\S*/\.env: not UTF-8$"):
        load(environment={}, dotenv=tmp_path / ".env", secrets=tmp_path)


def test_a_dotenv_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is named, and why."""

    def refused(_: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("worker.settings.sources.dotenv_values", refused)
    with pytest.raises(SettingsError, match=r"^\S*/\.env: Permission denied$"):
        load(environment={}, dotenv=tmp_path / ".env", secrets=tmp_path)


def test_toml_that_is_nested_too_deep(given: Load) -> None:
    """It is told as any other fault of the file."""
    with pytest.raises(SettingsError, match=r"worker\.toml: not TOML: nested too deep$"):
        given(toml="x = " + "[" * 3000)


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ('[Api]\nbase_url = "https://crm"\n[api]\nusername = "u"\n', "api stands in it twice"),
        ('[kafka]\ngroup_id = "a"\nGROUP_ID = "b"\n', "kafka.GROUP_ID stands in it twice"),
    ],
)
def test_a_name_of_toml_in_large_and_small_letters(given: Load, toml: str, told: str) -> None:
    """Neither is left out without a word."""
    with pytest.raises(SettingsError, match=rf"worker\.toml: {told}, in large and in small letters$"):
        given(toml=toml)


def test_toml_in_large_letters(given: Load) -> None:
    """Names are the same in either, as in the environment."""
    loaded = given({"WORKER_KAFKA__CLIENT_ID": "c"}, toml='[KAFKA]\nGROUP_ID = "g"\n').kafka
    assert (loaded.group_id, loaded.client_id) == ("g", "c")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DISPATCH__MAX_RATE", "inf"),
        ("DISPATCH__MAX_RATE", "1e-320"),
        ("KAFKA__SESSION_TIMEOUT", "0"),
        ("CUSTOMER__CATALOG_REFRESH", "0"),
        ("KAFKA__SESSION_TIMEOUT", "3600000"),
        ("KAFKA__REBALANCE_TIMEOUT", "3600000"),
        ("DISPATCH__DRAIN_TIMEOUT", "3600000"),
        ("TOPICS__PARTITIONS", "9999999999"),
        ("TOPICS__REPLICATION_FACTOR", "40000"),
        ("API__BASE_URL", "https://:secret@crm.example.com"),
        ("API__ACCOUNTS", "[" * 2000),
    ],
)
def test_a_value_that_nobody_can_mean(given: Load, name: str, value: str) -> None:
    """One line with the setting's name."""
    with pytest.raises(SettingsError, match=rf"^WORKER_{name} \(environment\): [^\n]+$") as wrong:
        given({f"WORKER_{name}": value})
    assert "secret" not in str(wrong.value)


def _texts() -> Iterator[str]:
    """The settings that are a text; the servers may be listed in several lines."""
    for group, field in Settings.model_fields.items():
        assert isinstance(field.annotation, type)
        assert issubclass(field.annotation, Group)
        for name, inner in field.annotation.model_fields.items():
            if re.search(r"^(?!.*(tuple|frozenset)).*\b(str|SecretStr)\b", str(inner.annotation)):
                yield f"{group}__{name}".upper()


TEXTS = sorted({*_texts()} - {"KAFKA__BOOTSTRAP_SERVERS"})


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("value", ["s3cret-of-ours\n", "s3cret\rof-ours\x00", "s3cret-of-ours\udcff"])
def test_a_text_of_more_than_one_line(given: Load, name: str, value: str) -> None:
    """A line break is at the end of a secret sooner than somebody sees it, and in no header or login can it stand."""
    with pytest.raises(SettingsError, match=rf"^WORKER_{name} \(environment\): [^\n]+$") as wrong:
        given({f"WORKER_{name}": value})
    assert "s3cret" not in str(wrong.value)


def test_accounts_in_more_than_one_line(given: Load) -> None:
    """The document may be, and no name or password in it."""
    document = '[\n{"username": "u",\n"password": "s3cret%s"}\n]\n'
    assert len(given({"WORKER_API__ACCOUNTS": document % ""}).api.accounts) == 1
    with pytest.raises(
        SettingsError, match=r"^WORKER_API__ACCOUNTS \(environment\): \[0\]\.\w+: must be one line"
    ) as wrong:
        given({"WORKER_API__ACCOUNTS": document % "\\n"})
    assert "s3cret" not in str(wrong.value)


@pytest.mark.parametrize("value", ["[" * 20_000, "{", "\udcff", "nan", "-1", "0", "https://[::1", ":", " ", "\0"])
def test_a_value_that_no_setting_foresees(given: Load, value: str) -> None:
    """Whichever setting it is given to, nothing but lines comes of it."""
    with pytest.raises(SettingsError) as wrong:
        given(dict.fromkeys(NAMES, value))
    assert all(line.startswith("WORKER_") for line in str(wrong.value).splitlines())
