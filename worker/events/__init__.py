"""Turns records into commands, and outcomes into messages."""
