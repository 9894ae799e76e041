"""What the event loop tells the worker of, besides its own doings."""

import asyncio
import gc

import pytest
import typer
from aiokafka.errors import InvalidProducerEpoch, KafkaConnectionError, ProducerFenced
from patience import turns

from worker.cli.ending import end
from worker.cli.unforeseen import unforeseen
from worker.kafka.exclusive import _pass_over_fences


async def test_an_error_that_nobody_waits_for(told):
    """It is told by its name and place, without its text."""
    try:
        int("john.russel@customer.com")
    except ValueError as error:
        unforeseen(asyncio.get_running_loop(), {"message": "x", "exception": error})
    assert [(line["event"], line["error"]) for line in told] == [("task.crashed", "ValueError")]
    assert "john" not in str(told)


async def test_a_remark(told):
    """It is no error of ours, and says what it is about."""
    unforeseen(asyncio.get_running_loop(), {"message": "Unclosed AIOKafkaConnection", "conn": object()})
    assert told == [{"event": "loop.remarked", "detail": "Unclosed AIOKafkaConnection", "log_level": "warning"}]


async def test_a_call_of_the_library_that_nobody_waits_for(told):
    """Its end is a remark too."""
    unforeseen(asyncio.get_running_loop(), {"message": "x", "exception": KafkaConnectionError()})
    assert told == [{"event": "loop.remarked", "detail": "KafkaConnectionError", "log_level": "warning"}]


@pytest.mark.parametrize("fast", [False, True])
def test_every_command(monkeypatch, told, fast):
    """Whatever it leaves in a task comes without its text, where another publisher was opened as well."""

    async def fail():
        raise ValueError("john.russel@customer.com")

    async def command():
        _pass_over_fences(asyncio.get_running_loop())
        left = asyncio.create_task(fail())
        await turns(3)
        del left
        gc.collect()

    monkeypatch.setattr("worker.memory.collect_rarely", lambda: None)
    with pytest.raises(typer.Exit):
        end(command(), fast=fast)
    assert [(line["event"], line["error"]) for line in told] == [("task.crashed", "ValueError")]
    assert "john" not in str(told)


async def test_fences():
    """They alone are passed over; everything else is told by whoever told it before, once."""
    loop, heard = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _, context: heard.append(context["exception"]))
    for _ in range(2_000):
        _pass_over_fences(loop)
    error = ValueError()
    for each in (ProducerFenced(), error, InvalidProducerEpoch()):
        loop.call_exception_handler({"message": "x", "exception": each})
    assert heard == [error]


async def test_fences_where_nobody_listens(caplog):
    """The loop tells the rest in its own way."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(None)
    _pass_over_fences(loop)
    loop.call_exception_handler({"message": "left open"})
    assert [each.message for each in caplog.records] == ["left open"]
