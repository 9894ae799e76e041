"""One line per thing that must be right before `run` can work; each check is one function, and all are tried."""

from worker.check.api import Wanted, api
from worker.check.kafka import Client, kafka
from worker.check.line import Check, Line, exit_code, lines
from worker.check.timing import Times, settings, times

__all__ = ["Check", "Client", "Line", "Times", "Wanted", "api", "exit_code", "kafka", "lines", "settings", "times"]
