"""`check`: one line for each thing that must be right before `run` can work. All checks are tried."""

from worker.tools.check.api import Wanted, api
from worker.tools.check.kafka import Client, kafka
from worker.tools.check.line import Check, Line, exit_code, lines
from worker.tools.check.registry import registry
from worker.tools.check.start import start
from worker.tools.check.timing import Times, settings, times

__all__ = [
    "Check",
    "Client",
    "Line",
    "Times",
    "Wanted",
    "api",
    "exit_code",
    "kafka",
    "lines",
    "registry",
    "settings",
    "start",
    "times",
]
