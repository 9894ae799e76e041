"""Logging in to the brokers by tokens, and again before a login ends."""

from worker.kafka.login.lasting import LastingConnection
from worker.kafka.login.tokens import NoToken, Token, TokenRefused, Tokens

__all__ = ["LastingConnection", "NoToken", "Token", "TokenRefused", "Tokens"]
