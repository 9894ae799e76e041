"""Log lines are one JSON document each, and never an exception's text."""

import io
import logging

import orjson
import pytest
import structlog

from worker import logs


@pytest.fixture
def written():
    """A stream that the log goes to, and the log as it was before afterwards."""
    root, handlers, level = logging.root, logging.root.handlers, logging.root.level
    before = structlog.get_config()
    stream = io.StringIO()
    yield stream
    root.handlers, root.level = handlers, level
    structlog.configure(**before)


def lines(stream):
    return [orjson.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line(written):
    """With its facts, its level and a time; what is unset is left out."""
    logs.configure("info", "json", written)
    structlog.get_logger("worker.test").info("record.finished", offset=7, customer_id=None)
    (line,) = lines(written)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "record.finished", "offset": 7, "level": "info"}


def test_an_unforeseen_error_of_a_library(written):
    """It is told by where it came through: its text may quote personal data."""
    logs.configure("info", "json", written)
    try:
        int("john.russel@customer.com")
    except ValueError:
        logging.getLogger("some.library").exception("broken")
    (line,) = lines(written)
    assert (line["event"], line["logger"]) == ("broken", "some.library")
    assert "test_logs.py" in line["where"][0]
    assert "john" not in written.getvalue()


def test_the_client_s_own_chatter(written):
    """aiokafka's lines are told as holds, and only shown to who debugs."""
    logs.configure("info", "json", written)
    logging.getLogger("aiokafka.conn").error("cannot connect")
    assert lines(written) == []
    logs.configure("debug", "json", written)
    logging.getLogger("aiokafka.conn").error("cannot connect")
    assert len(lines(written)) == 1


def test_the_level(written):
    """Less severe lines are not written."""
    logs.configure("warning", "json", written)
    structlog.get_logger("worker.test").info("record.finished")
    assert lines(written) == []
