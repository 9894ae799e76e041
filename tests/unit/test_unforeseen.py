"""What the event loop tells the worker of, besides its own doings."""

import asyncio

from structlog.testing import capture_logs

from worker.app import _unforeseen


async def test_an_error_that_nobody_waits_for():
    """It is told by its name and place, without its text."""
    with capture_logs() as lines:
        try:
            int("john.russel@customer.com")
        except ValueError as error:
            _unforeseen(asyncio.get_running_loop(), {"message": "x", "exception": error})
    assert [(line["event"], line["error"]) for line in lines] == [("task.crashed", "ValueError")]
    assert "john" not in str(lines)


async def test_a_remark():
    """It is no error of ours, and says what it is about."""
    with capture_logs() as lines:
        _unforeseen(asyncio.get_running_loop(), {"message": "Unclosed AIOKafkaConnection", "conn": object()})
    assert lines == [{"event": "loop.remarked", "detail": "Unclosed AIOKafkaConnection", "log_level": "warning"}]
