"""Commands of ours, as a person types them during a seed."""

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from mortal import mortal
from patience import PATIENCE

ENDS_WITHIN = PATIENCE


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


async def typed(environment: Mapping[str, str], *arguments: str) -> Said:
    """Return when it has ended; TimeoutError where it does not."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WORKER_")}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *mortal(sys.executable, "-m", "worker", *arguments), stdout=pipe, stderr=pipe, env={**inherited, **environment}
    )
    try:
        async with asyncio.timeout(ENDS_WITHIN):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        raise
    return Said(process.returncode or 0, out.decode(), err.decode())
