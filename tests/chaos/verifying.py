"""The worker's own verdict on a seed, which has to be the same as this one."""

import orjson
from chaos.commanding import typed
from chaos.facts import Place
from chaos.scene import Scene

OF_EXPIRED = frozenset({"deleted_unread", "expired_unread"})
"""What `verify` calls requests that were deleted before anybody read them."""


async def verified(scene: Scene) -> set[Place]:
    """The places that it calls deleted unread; whatever else it finds is a problem."""
    said = await typed(scene.fleet.environment, "verify", "--json")
    try:
        told = orjson.loads(said.out)
    except orjson.JSONDecodeError:
        scene.problems.append(f"verify ended with {said.code}: {said.err.strip()[-300:]}")
        return set()
    findings = [*told["findings"], *told["notJudged"]]
    others = [each for each in told["findings"] if each["kind"] not in OF_EXPIRED]
    scene.problems += [f"verify finds {each['count']} {each['kind']}: {', '.join(each['places'])}" for each in others]
    return {
        place for each in findings if each["kind"] in OF_EXPIRED for text in each["places"] for place in spread(text)
    }


def spread(text: str) -> list[Place]:
    """`0@5` or `0@5-9`, the last one included."""
    partition, _, offsets = text.partition("@")
    first, _, last = offsets.partition("-")
    return [(int(partition), offset) for offset in range(int(first), int(last or first) + 1)]
