"""The README and the pages say what the code does."""

import re
from pathlib import Path

import pytest
from generated import DOCS, PARTS, as_it_should_be
from measured import metrics

from worker.model.outcomes import ReasonCode
from worker.sandbox.demo.samples import load_samples
from worker.settings.sources import NAMES
from worker.topics import Plan

README = Path(__file__).parents[2] / "README.md"
WRONG_SETTING = "WORKER_KAFKA__BOOTSTRAP"
"""Shown as what is said of a name that does not exist."""
METRICS = {sample.name for family in metrics() for sample in family.samples}
METRICS |= {family.name for family in metrics()}
PAGES = [README, README.parent / "deploy/README.md", *sorted(DOCS.glob("*.md"))]


def test_length():
    """One sitting."""
    assert len(README.read_text().splitlines()) <= 200


@pytest.mark.parametrize("part", PARTS)
def test_generated_parts(part):
    """They are as `python tests/generated.py` writes them."""
    page, _ = PARTS[part]
    assert (DOCS / page).read_text() == as_it_should_be(part)


@pytest.mark.parametrize("page", [README, DOCS / "events.md"], ids=["readme", "events"])
def test_every_topic_is_named(page):
    """By its default name."""
    text = page.read_text()
    assert [name for _, name in Plan().names() if name not in text] == []


@pytest.mark.parametrize("code", ReasonCode)
def test_reason_with_advice(code):
    """Whatever a record failed of, a page says what to do."""
    section = (DOCS / "dead-letters.md").read_text().split("\n### Reasons\n")[1].split("\n### ")[0]
    assert re.search(rf"^\| `{code.value}` \|", section, re.MULTILINE)


def test_demo():
    """The table shown has the demo's events, in their order, and each ending that its sample names."""
    table = README.read_text().split("<!-- demo -->")[1].split("\n\n")[0]
    rows = [row.split() for row in table.splitlines() if row.endswith("✓")]
    samples = load_samples()
    assert [row[0] for row in rows] == [sample.name for sample in samples]
    for row, sample in zip(rows, samples, strict=True):
        assert row[2] == sample.ends.outcome
        assert sample.ends.outcome == "succeeded" or row[3] == sample.ends.reason
        assert row[-3] == str(sample.ends.attempts)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.stem}")
def test_names(page):
    """Whatever setting or metric a page names is one."""
    text = page.read_text()
    settings = set(re.findall(r"WORKER_[A-Z_]+?__[A-Z_]*[A-Z]\b", text)) - {WRONG_SETTING}
    assert settings - set(NAMES) == set()
    assert set(re.findall(r"customer_worker_[a-z_]+", text)) - METRICS == set()


def test_tests_that_say_so():
    """Each that contributors are pointed to is there."""
    names = set(re.findall(r"`(test_\w+)`", (DOCS / "contributing.md").read_text()))
    assert names - {file.stem for file in (README.parent / "tests").rglob("test_*.py")} == set()


def anchors(page):
    """Of its headings, as they are made of them: small, without punctuation, hyphens for spaces."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.stem}")
def test_links(page):
    """What a page leads to in the project is there, heading and all."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link
