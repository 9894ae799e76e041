"""The command that runs a Kafka on this machine until it is interrupted."""

import asyncio
import signal
from pathlib import Path

from worker.model.errors import LocalKafkaError
from worker.sandbox.local_kafka import LocalKafka
from worker.terminal.text import say

LOOK_EVERY = 0.2


async def run_kafka(port: int | None = None, data: Path | None = None) -> None:
    """Run a Kafka until SIGINT or SIGTERM; LocalKafkaError if it does not start, or ends by itself."""
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, interrupted.set)
    running = asyncio.create_task(_run(port, data))
    waiting = asyncio.create_task(interrupted.wait())
    try:
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        running.cancel()
        waiting.cancel()
        ended, _ = await asyncio.gather(running, waiting, return_exceptions=True)
    if isinstance(ended, Exception):
        raise ended


async def _run(port: int | None, data: Path | None) -> None:
    async with LocalKafka(port=port, data=data, tell=_say) as kafka:
        _say(f"Apache Kafka answers on {kafka.bootstrap_servers}; its data is in {kafka.directory}")
        _say(f"Point every command at it: export WORKER_KAFKA__BOOTSTRAP_SERVERS={kafka.bootstrap_servers}")
        _say("Ctrl-C ends it." if data else "Ctrl-C ends it and removes its data.")
        while kafka.is_running:  # noqa: ASYNC110  another process gives us no event
            await asyncio.sleep(LOOK_EVERY)
        raise LocalKafkaError(f"Kafka on {kafka.bootstrap_servers} ended by itself")


def _say(line: str) -> None:
    say(line, err=True)
