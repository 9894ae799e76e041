"""The command that plays seeds, as far as it goes without a Kafka."""

import asyncio
import logging
import os
import signal
import sys

import pytest
from chaos import run


async def test_a_run_that_is_told_to_end(monkeypatch, tmp_path):
    """What is being played is left as it leaves any seed: its workers killed, its folder and its Kafka gone."""
    left: list[str] = []

    async def play(*_):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
        finally:
            left.append("scene")

    class Brokers(run.Brokers):
        async def for_a_seed(self):
            return None

        async def close(self):
            left.append("Kafka")

    monkeypatch.setattr(sys, "argv", ["run", "--seeds", "2"])
    monkeypatch.setattr(run, "play", play)
    monkeypatch.setattr(run, "Brokers", Brokers)
    monkeypatch.setattr("chaos.tolerant.install", lambda: None)
    monkeypatch.setattr(logging.getLogger("aiokafka"), "setLevel", lambda _: None)
    monkeypatch.setattr("tempfile.mkdtemp", lambda **_: str(tmp_path / "seed"))
    (tmp_path / "seed").mkdir()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(run.main())
    assert left == ["scene", "Kafka"]
    assert not (tmp_path / "seed").exists()
