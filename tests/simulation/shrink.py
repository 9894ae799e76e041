"""Makes a failing story smaller while it still fails in the same way: fewer happenings, events, workers."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from .story import Story

Fails = Callable[[Story], bool]


def shrunk(story: Story, fails: Fails, tries: int = 200) -> Story:
    """The smallest story found with so many tries; `fails` says whether one still fails as the first did."""
    while tries > 0:
        for smaller in _smaller(story):
            tries -= 1
            if fails(smaller):
                story = smaller
                break
            if tries <= 0:
                return story
        else:
            return story
    return story


def _smaller(story: Story) -> Iterator[Story]:
    """Half of the happenings first, then each alone, then what the story is made of."""
    happenings = list(story.happenings)
    size = len(happenings) // 2
    while size:
        for first in range(0, len(happenings), size):
            yield story.without(happenings[first : first + size])
        size //= 2
    for name, values in _parts(story):
        for value in values:
            yield replace(story, **{name: value})  # type: ignore[arg-type]  # names and values belong together
    for index, each in enumerate(happenings):
        if each.lasts > 1:
            shorter = replace(each, lasts=round(each.lasts / 2, 3))
            yield replace(story, happenings=(*happenings[:index], shorter, *happenings[index + 1 :]))


def _parts(story: Story) -> Iterator[tuple[str, list[int]]]:
    for name, least in (("workers", 1), ("partitions", 1), ("events", 1), ("keys", 1), ("in_flight", 1)):
        now = getattr(story, name)
        yield name, sorted({value for value in (least, now // 2, now - 1) if least <= value < now})
