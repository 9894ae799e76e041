"""Which proxy there is on the way to the API, by the settings and by the environment."""

import os

import pytest

from worker import wiring
from worker.customer_api.proxy import Proxy
from worker.model.errors import SettingsError
from worker.settings.settings import Settings


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Without a proxy of whoever runs the tests."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    return monkeypatch


def proxy(base_url: str = "https://crm.example.com", **given: object) -> Proxy | None:
    """That of the API there."""
    return wiring.access(Settings.model_validate({"api": {"base_url": base_url, **given}})).proxy


def test_none(environment) -> None:
    """The environment is not asked unless a setting says so."""
    environment.setenv("HTTPS_PROXY", "http://proxy:3128")
    assert proxy() is None


def test_as_it_is_set() -> None:
    """Whatever the API's scheme; the password shows nowhere."""
    made = proxy(proxy="https://proxy:3129", proxy_username="worker", proxy_password="s3cret", proxy_ca_file="ca.pem")
    assert made is not None
    assert (made.url, made.username, made.password, str(made.ca_file)) == (
        "https://proxy:3129",
        "worker",
        "s3cret",
        "ca.pem",
    )
    assert "s3cret" not in repr(made)


@pytest.mark.parametrize(
    ("base_url", "variables", "found"),
    [
        (
            "https://crm.example.com",
            {"HTTPS_PROXY": "http://one:3128", "HTTP_PROXY": "http://two:3128"},
            "http://one:3128",
        ),
        (
            "http://crm.example.com",
            {"HTTPS_PROXY": "http://one:3128", "HTTP_PROXY": "http://two:3128"},
            "http://two:3128",
        ),
        ("https://crm.example.com", {"https_proxy": "proxy:3128"}, "http://proxy:3128"),
        ("https://crm.example.com", {"ALL_PROXY": "https://proxy"}, "https://proxy"),
        ("https://crm.example.com", {"HTTP_PROXY": "http://two:3128"}, None),
        ("https://crm.example.com", {"HTTPS_PROXY": "http://one:3128", "NO_PROXY": "kafka,.example.com"}, None),
        ("https://crm.example.com:8443", {"HTTPS_PROXY": "http://one:3128", "NO_PROXY": "crm.example.com:8443"}, None),
        ("https://crm.example.com", {"HTTPS_PROXY": "http://one:3128", "NO_PROXY": "*"}, None),
        ("https://crm.example.com", {"HTTPS_PROXY": "http://one:3128", "NO_PROXY": "m.example.com"}, "http://one:3128"),
    ],
)
def test_as_the_environment_has_it(environment, base_url, variables, found) -> None:
    """By the API's scheme, unless its host is among those that need none."""
    for name, text in variables.items():
        environment.setenv(name, text)
    made = proxy(base_url, proxy="environment")
    assert (made and made.url) == found


def test_who_we_are_there(environment) -> None:
    """As the variable has it, unless a setting does."""
    environment.setenv("HTTPS_PROXY", "http://anna:s3cret%21@proxy:3128")
    assert proxy(proxy="environment") == Proxy("http://proxy:3128", "anna", "s3cret!")
    own = {"proxy_username": "worker", "proxy_password": "other"}
    assert proxy(proxy="environment", **own) == Proxy("http://proxy:3128", "worker", "other")


@pytest.mark.parametrize("given", ["socks5://u:s3cret@proxy:1080", "http://", "http://[proxy"])
def test_one_in_the_environment_that_cannot_be_used(environment, given) -> None:
    """Is a wrong setting that names the variable, and not what it holds."""
    environment.setenv("HTTPS_PROXY", given)
    with pytest.raises(SettingsError, match=r"^HTTPS_PROXY \(environment\): no http or https proxy") as raised:
        proxy(proxy="environment")
    assert "s3cret" not in str(raised.value)


def test_a_user_in_the_environment_that_nobody_can_be(environment) -> None:
    """What follows a colon is the password, so that no header can tell of such a user."""
    environment.setenv("HTTPS_PROXY", "http://an%3Ana:s3cret@proxy:3128")
    with pytest.raises(SettingsError, match=r"^HTTPS_PROXY \(environment\): no user has a colon") as raised:
        proxy(proxy="environment")
    assert "s3cret" not in str(raised.value)
    assert proxy(proxy="environment", proxy_username="worker", proxy_password="other") is not None
