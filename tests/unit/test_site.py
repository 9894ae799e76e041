"""The documentation as a site."""

import re
import subprocess
from pathlib import Path

import pytest
from patience import PATIENCE

ROOT = Path(__file__).parents[2]
ELSEWHERE = r"['\"]?(?:https?:)?//"
LOADED = re.compile(rf"<(?:script|img|iframe|link)\b[^>]*\b(?:src|href)={ELSEWHERE}|url\({ELSEWHERE}")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Built; where a link leads nowhere or a page stands in no list, the build fails."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [ROOT / "deploy/site", folder], capture_output=True, text=True, timeout=PATIENCE * 2, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_built(site):
    """From each of the sources."""
    sources = (ROOT / "deploy/docs").glob("*.md")
    assert [source.stem for source in sources if not (site / f"{source.stem}.html").exists()] == []


def test_nothing_is_loaded_from_elsewhere(site):
    """No font, script, picture or stylesheet."""
    pages = [*site.rglob("*.html"), *site.rglob("*.css")]
    assert [found for page in pages for found in LOADED.findall(page.read_text())] == []
