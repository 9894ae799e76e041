"""A comment that leans on a rule names a page and a heading that are there: (docs: kafka, a frozen member)."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "deploy/docs"
CITATION = re.compile(r"\bdocs: ([\w-]+), ([^)\n]+)\)")
FORMS_OF_ELSEWHERE = re.compile(r"\b(?:design|reference|facts?|facts rows?|style) \d|\bshared/")
WORD_FOR_WORD = ROOT / "tests/earlier"
"""The journal's code of the version before: nothing in it is to be changed."""
KINDS = {".py", ".yml", ".yaml", ".tpl", ".toml", ".c", ".sh", ".md", ""}


def sources():
    """What people write here, and its text."""
    for folder in ("worker", "tests", "deploy"):
        for file in sorted((ROOT / folder).rglob("*")):
            if file.is_file() and file.suffix in KINDS and WORD_FOR_WORD not in file.parents:
                yield file
    yield from (ROOT / "pyproject.toml", ROOT / "docker-compose.yml", ROOT / "README.md")


SOURCES = {file.relative_to(ROOT): file.read_text() for file in sources()}


def headings(page):
    """Of that page, in small letters and without marks."""
    lines = re.findall(r"^#+ (.+)$", (DOCS / f"{page}.md").read_text(), re.MULTILINE)
    return {line.replace("`", "").lower() for line in lines}


@pytest.mark.parametrize("page", sorted({page for text in SOURCES.values() for page, _ in CITATION.findall(text)}))
def test_what_is_cited_is_there(page):
    """The page, and each heading of it."""
    cited = {heading: file for file, text in SOURCES.items() for of, heading in CITATION.findall(text) if of == page}
    assert {heading: file for heading, file in cited.items() if heading.lower() not in headings(page)} == {}


def test_rules_are_cited():
    """In the form that is looked for."""
    assert sum(len(CITATION.findall(text)) for text in SOURCES.values()) > 30


def test_nothing_elsewhere_is_cited():
    """No number of a document that is not here."""
    assert {file: found for file, text in SOURCES.items() if (found := FORMS_OF_ELSEWHERE.findall(text))} == {}
