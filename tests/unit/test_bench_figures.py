"""What the bench makes of what it has measured."""

from bench.figures import Aim, Figure, ratio
from bench.stacks import read

SITE = "/venv/lib/python3.11/site-packages"
WAY_IN = "main (/now/worker/cli.py:9)"


def test_a_ratio():
    """Is taken repetition by repetition."""
    figure = ratio("a", "ours ÷ theirs", (10.0, 30.0, 20.0), (100.0, 100.0, 400.0), Aim(">=", 0.1))
    assert figure.values == (0.1, 0.3, 0.05)
    assert (figure.median, figure.reached) == (0.1, True)


def test_a_figure_without_an_aim():
    """Is neither reached nor missed."""
    assert Figure("a", "x", "s", (1.0,)).reached is None


def test_an_aim_that_is_missed():
    """Is said to be: more than at most, less than at least."""
    assert Figure("a", "x", "s", (2.0, 3.0, 1.0), Aim("<=", 1.9)).reached is False
    assert Figure("a", "x", "x", (2.0, 3.0, 1.0), Aim(">=", 2.1)).reached is False


def test_the_packages_of_stacks():
    """C code of a package is its own, C code of nobody's is its caller's."""
    profile = read(
        f"{WAY_IN};create ({SITE}/aiohttp/client.py:7);malloc (libc.so.6) 3\n"
        f"{WAY_IN};encode (/now/worker/events/results.py:3);0x7f01 ({SITE}/orjson/orjson.cpython-311.so) 2\n"
        f"{WAY_IN};_run_once (/lib/python3.11/asyncio/base_events.py:5);gc_collect_main (libpython3.11.so.1.0) 4\n"
        f"{WAY_IN};write (/lib/python3.11/asyncio/selector_events.py:5);send (libc.so.6) 1\n"
    )
    assert profile.packages() == {"aiohttp": 3, "orjson": 2, "garbage collection": 4, "kernel: send": 1}
    assert profile.modules()["worker.events.results"] == 2
    assert profile.calls() == {"aiohttp.client.create": 3, "worker.events.results.encode": 2}
