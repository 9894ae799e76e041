"""Memory that nothing needs any more is given back, by itself."""

import gc
import weakref
from functools import partial

from patience import PATIENCE, until

from worker import memory


class Node:
    """Holds itself."""

    def __init__(self):
        self.itself = self


def is_gone(known):
    return known() is None


async def test_cycles_are_collected_now_and_then():
    """However seldom Python looks for them."""
    gc.disable()
    try:
        async with memory.kept_small(every=0.001):
            for known in (weakref.ref(Node()), weakref.ref(Node())):
                await until(partial(is_gone, known), within=PATIENCE, every=0.001)
    finally:
        gc.enable()


def test_a_system_without_glibc(monkeypatch):
    """There is nothing to ask for."""
    monkeypatch.setattr("worker.memory.ctypes.CDLL", lambda _: object())
    memory.give_back()
