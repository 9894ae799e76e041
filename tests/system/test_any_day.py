"""Nothing depends on today's date: tests and demo pass with the clock 400 days ahead, and a day behind."""

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
"""Words in names of tests: with the clock behind only tests that have one are run; 400 days ahead all are."""
# In one group, one after the other: two at once would take both cores from all other tests.
pytestmark = pytest.mark.xdist_group("another day")
TLS_TESTS = ("tests/edges/test_api_tls.py", "tests/edges/test_check_outside.py", "tests/edges/test_kafka_security.py")


@pytest.fixture(params=["+400d", "-1d"], ids=["in 400 days", "a day ago"])
def on_that_day(request):
    """Runs Python with these arguments under another clock; returns the exit code and what was printed."""
    # What is tried is the date, so that few generated examples are enough.
    environment = {**os.environ, **_another_clock(request.param), "WORKER_TEST_EXAMPLES": "5"}

    def run(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=WITHIN, check=False
        )
        return done.returncode, (done.stdout + done.stderr)[-4000:]

    return run


def _another_clock(offset: str) -> dict[str, str]:
    """The variables that the command `faketime` sets, but not the memory that it shares between processes.

    That is named by a process id, and faketime refuses to start where a killed process has left one of the same name.
    """
    needed("faketime", "faketime")
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    return {"LD_PRELOAD": str(library or lacking("no libfaketime beside faketime")), "FAKETIME": offset}


@pytest.mark.timeout(WITHIN + 20)
@pytest.mark.parametrize("tests", [(UNIT_TESTS,), TLS_TESTS], ids=["unit", "tls"])
def test_tests(on_that_day, tests, request):
    """The unit tests, and those with TLS certificates, pass under that clock."""
    some = ("-k", SPEAKS_OF_TIME) if "a day ago" in request.node.callspec.id and tests == (UNIT_TESTS,) else ()
    code, said = on_that_day("-m", "pytest", "--quiet", "-p", "no:cacheprovider", *tests, *some)
    assert code == 0, said


@pytest.mark.timeout(WITHIN + 20)
def test_demo(on_that_day):
    """The demonstration ends well under that clock."""
    code, said = on_that_day("-m", "worker", "demo")
    assert code == 0, said
