"""The README says what the code does."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr

from worker.settings.settings import Settings
from worker.topics import Plan

README = Path(__file__).parents[2] / "README.md"


def shown(value):
    match value:
        case None:
            return ""
        case SecretStr():
            return value.get_secret_value()
        case frozenset():
            return ", ".join(map(str, sorted(value)))
        case bool():
            return str(value).lower()
        case tuple():
            return ", ".join(map(str, value))
        case _:
            return f"{value:g}" if isinstance(value, float) else str(value)


def settings_table():
    """One row per setting, as it stands in the README."""
    yield "| name | default | |"
    yield "|---|---|---|"
    for group, field in Settings.model_fields.items():
        model = field.annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        for name, setting in model.model_fields.items():
            default = shown(setting.default)
            code = f"`{default}`" if default else ""
            yield f"| `WORKER_{group}__{name}`".upper() + f" | {code} | {setting.description} |"


def test_every_setting_stands_in_the_table():
    """With its default and its sentence."""
    assert "\n".join(settings_table()) in README.read_text()


def test_every_topic_is_named():
    """By its default name."""
    text = README.read_text()
    assert [name for _, name in Plan().names() if name not in text] == []


def anchors(page):
    """Of its headings, as they are made of them: small, without punctuation, hyphens for spaces."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [README, README.parent / "deploy/README.md"], ids=["readme", "runbook"])
def test_links(page):
    """What a page leads to in the project is there, heading and all."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link
