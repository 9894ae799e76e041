"""Some stories of each kind, and those that once found a fault: every promise is kept in each of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .play import play
from .run import attempt
from .story import Act, Happening, Story, drawn, read

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


def test_one_rate_for_a_group_that_grows_and_shrinks():
    """Three workers, six, one: at no time more than 1.1 times the rate, and not much less while there is work."""
    more = [Happening(6.0 + number / 2, Act.MORE) for number in range(3)]
    less = [Happening(12.0 + number / 2, Act.LESS) for number in range(5)]
    story = Story(7, workers=3, partitions=6, events=400, keys=400, pause=0.01, rate=30, happenings=(*more, *less))
    played = play(story)
    assert [str(each) for each in played.findings] == []
    assert played.seconds < 70


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
