"""A short storm; the long ones are made with tests/chaos/kills."""

import pytest
from chaos.storm import SESSION, Storm, rage

from worker.sandbox.local_kafka import LocalKafka


@pytest.mark.parametrize("look_up", [False, True])
async def test_some_kills(tmp_path, look_up):
    """Nothing is made twice, lost or told wrongly; the logs are in the test's directory."""
    async with LocalKafka(properties=SESSION) as kafka:
        report = await rage(Storm(7, kills=3, look_up=look_up), kafka.bootstrap_servers, tmp_path)
    assert report.problems == []
    assert report.struck["SIGKILL"] == 3
    assert report.verdict.executions > 0
