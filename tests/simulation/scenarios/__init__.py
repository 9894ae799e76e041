"""What is asked of the model of Kafka and of the real one, and what both have to answer."""

from . import groups, logs, topics, transactions
from .known import SCENARIOS

__all__ = ["SCENARIOS", "groups", "logs", "topics", "transactions"]
