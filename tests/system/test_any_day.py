"""Nothing ends: what was installed today works in another year, and on a machine whose clock is behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from lacking import lacking, needed

ROOT = Path(__file__).parents[2]
WITHIN = 900
UNIT_TESTS = "tests/unit"
SPEAKS_OF_TIME = "time or day or moment or clock or date or since or age or expire or certificate or session or lease"
"""In the names of tests: those that a clock behind could mislead; the others are tried once, in 400 days."""
# One after the other: two at once would keep two processes from everything else.
pytestmark = pytest.mark.xdist_group("another day")
TLS_TESTS = ("tests/edges/test_api_tls.py", "tests/edges/test_check_outside.py", "tests/edges/test_kafka_security.py")


@pytest.fixture(params=["+400d", "-1d"], ids=["in 400 days", "a day ago"])
def on_that_day(request):
    """Runs Python with these arguments under another clock; gives the exit code and what was printed."""
    # Each property is tried on this day; how many of its examples there are is another matter.
    environment = {**os.environ, **_another_clock(request.param), "WORKER_TEST_EXAMPLES": "5"}

    def run(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=WITHIN, check=False
        )
        return done.returncode, (done.stdout + done.stderr)[-4000:]

    return run


def _another_clock(offset: str) -> dict[str, str]:
    """The variables that the command `faketime` sets, without what it shares between processes.

    It names that by its own process id, and refuses to begin where one that was killed under the same id left it.
    """
    needed("faketime", "faketime")
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    return {"LD_PRELOAD": str(library or lacking("no libfaketime beside faketime")), "FAKETIME": offset}


@pytest.mark.timeout(WITHIN + 20)
@pytest.mark.parametrize("tests", [(UNIT_TESTS,), TLS_TESTS], ids=["unit", "tls"])
def test_tests(on_that_day, tests, request):
    """Certificates are made and rules are judged by the day that it is."""
    some = ("-k", SPEAKS_OF_TIME) if "a day ago" in request.node.callspec.id and tests == (UNIT_TESTS,) else ()
    code, said = on_that_day("-m", "pytest", "--quiet", "-p", "no:cacheprovider", *tests, *some)
    assert code == 0, said


@pytest.mark.timeout(WITHIN + 20)
def test_demo(on_that_day):
    """Kafka, the sandbox, the worker and the samples."""
    code, said = on_that_day("-m", "worker", "demo")
    assert code == 0, said
