"""Every line that the workers log, listened to: no value of a customer's and no secret is in one."""

import logging
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, NoReturn

import structlog

PASSWORD = "pa55word"
PRIVATE = ("@example.com", "Jack", PASSWORD, "session-", "individual")
"""What only customers and sessions have in the stories."""


class Listener:
    """Prints nothing; `leaks` are lines that hold what they must not, `held` are the reasons of holds."""

    def __init__(self) -> None:
        self.leaks: list[str] = []
        self.held: set[str] = set()

    def __call__(self, _: object, __: str, line: MutableMapping[str, Any]) -> NoReturn:
        text = str(line)
        if line.get("event") == "hold.started":
            self.held.add(line["reason"])
        self.leaks += [f"{each} stands in the line {text}" for each in PRIVATE if each in text]
        raise structlog.DropEvent


@contextmanager
def listening() -> Iterator[Listener]:
    """To all that is logged inside."""
    before, listener = structlog.get_config(), Listener()
    structlog.configure(processors=[listener], wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    try:
        yield listener
    finally:
        structlog.configure(**before)
