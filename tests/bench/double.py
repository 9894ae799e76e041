"""The API's double as a process of its own, and what it has counted."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.responder import PAGE, Place, numbers
from mortal import mortal

HERE = Path(__file__).parent
STARTS_WITHIN = 10.0


@dataclass(frozen=True)
class Double:
    """What it counts is read from memory that is shared with it, at no cost to either."""

    shared: memoryview
    language: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.shared[Place.PORT]}"

    @property
    def creates(self) -> int:
        """Customers since it was reset."""
        return self.shared[Place.CREATES]

    @property
    def connections(self) -> int:
        """Those that are open."""
        return self.shared[Place.CONNECTIONS]

    @property
    def first(self) -> float:
        """When the first one since the reset came (monotonic seconds); 0 before."""
        return self.shared[Place.FIRST] / 1e9

    @property
    def last(self) -> float:
        """When the latest one came."""
        return self.shared[Place.LAST] / 1e9

    @property
    def gap(self) -> float:
        """The longest time between two, in seconds."""
        return self.shared[Place.GAP] / 1e9

    def forget_gap(self) -> None:
        """Look for the longest gap from here on."""
        self.shared[Place.GAP] = 0

    def reset(self, latency: float) -> None:
        """While nobody calls: seconds that each creation takes from now on, and all counts at zero."""
        self.shared[Place.LATENCY] = round(latency * 1e9)
        for place in (Place.CREATES, Place.LOGINS, Place.FIRST, Place.LAST, Place.GAP):
            self.shared[place] = 0


async def command(folder: Path) -> list[str]:
    """The responder in C where there is a compiler, else in Python."""
    program, compiler = folder / "responder", shutil.which("cc") or shutil.which("gcc")
    if compiler:
        building = await asyncio.create_subprocess_exec(
            compiler, "-O2", "-o", str(program), str(HERE / "responder.c"), stderr=asyncio.subprocess.DEVNULL
        )
        if await building.wait() == 0:
            return [str(program)]
    return [sys.executable, str(HERE / "responder.py")]


@asynccontextmanager
async def double(folder: Path, program: list[str] | None = None) -> AsyncIterator[Double]:
    """It listens on a port of its own until the end."""
    page = folder / "counted"
    page.write_bytes(bytes(PAGE))
    program = program or await command(folder)
    process = await asyncio.create_subprocess_exec(*mortal(*program), str(page))
    made = Double(numbers(page), "Python" if program[0] == sys.executable else "C")
    try:
        async with asyncio.timeout(STARTS_WITHIN):
            while not made.shared[Place.PORT]:
                await asyncio.sleep(0.01)
        yield made
    finally:
        process.kill()
        await process.wait()
