"""What the event loop tells the worker of, besides its own doings."""

import asyncio

from aiokafka.errors import KafkaConnectionError

from worker.app import _unforeseen


async def test_an_error_that_nobody_waits_for(told):
    """It is told by its name and place, without its text."""
    try:
        int("john.russel@customer.com")
    except ValueError as error:
        _unforeseen(asyncio.get_running_loop(), {"message": "x", "exception": error})
    assert [(line["event"], line["error"]) for line in told] == [("task.crashed", "ValueError")]
    assert "john" not in str(told)


async def test_a_remark(told):
    """It is no error of ours, and says what it is about."""
    _unforeseen(asyncio.get_running_loop(), {"message": "Unclosed AIOKafkaConnection", "conn": object()})
    assert told == [{"event": "loop.remarked", "detail": "Unclosed AIOKafkaConnection", "log_level": "warning"}]


async def test_a_call_of_the_library_that_nobody_waits_for(told):
    """Its end is a remark too."""
    _unforeseen(asyncio.get_running_loop(), {"message": "x", "exception": KafkaConnectionError()})
    assert told == [{"event": "loop.remarked", "detail": "KafkaConnectionError", "log_level": "warning"}]
