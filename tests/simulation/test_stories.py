"""Some stories of each kind, and those that once found a fault: every promise is kept in each of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .play import play
from .run import attempt
from .story import Story, drawn, read

HERE = Path(__file__).parent
KEPT = [line for line in (HERE / "kept.txt").read_text().splitlines() if line and not line.startswith("#")]
PRINTS = (
    "from simulation.run import quiet; from simulation.play import play; from simulation.story import drawn; quiet();"
)


@pytest.mark.parametrize("seed", range(1, 13))
def test_drawn_stories_keep_every_promise(seed: int):
    assert [str(each) for each in attempt(drawn(seed)).findings] == []


@pytest.mark.parametrize("line", KEPT)
def test_what_once_failed_does_not_fail_again(line: str):
    assert [str(each) for each in attempt(read(line)).findings] == []


def test_a_story_reads_as_it_was_written():
    for seed in range(200):
        assert read(drawn(seed).written()) == drawn(seed)


def test_the_same_seed_is_the_same_story_in_every_process():
    told = [_fingerprint(seed) for seed in ("0", "random")]
    assert told == [play(drawn(109)).fingerprint] * 2


def test_another_seed_is_another_story():
    assert play(Story(1, events=3)).fingerprint != play(Story(2, events=3)).fingerprint


def _fingerprint(hash_seed: str) -> str:
    environment = {
        **os.environ,
        "PYTHONHASHSEED": hash_seed,
        "PYTHONPATH": f"{HERE.parent}{os.pathsep}{HERE.parent.parent}",
    }
    script = f"{PRINTS} print(play(drawn(109)).fingerprint)"
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.strip()
