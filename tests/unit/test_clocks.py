"""Who plays with time or chance has one place to change: no clock is bound as a default, and none is the compiler's."""

import re
from pathlib import Path

import pytest

import worker

WORKER = Path(worker.__file__).parent
BOUND = re.compile(r"= ?(time\.(time|monotonic|perf_counter|time_ns)|random\.(random|uniform))\b(?!\()|datetime\.now\(")
MODULES = [path for path in sorted(WORKER.rglob("*.py")) if "sandbox" not in path.parts]


@pytest.mark.parametrize(
    "line",
    ["clock: X = time.monotonic", "draw = random.random", "f(default_factory=time.time)", "now = datetime.now(UTC)"],
)
def test_what_is_looked_for_is_found(line: str):
    assert BOUND.search(line)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(WORKER)))
def test_no_module_binds_a_clock(path: Path):
    assert [line for line in path.read_text().splitlines() if BOUND.search(line)] == []
