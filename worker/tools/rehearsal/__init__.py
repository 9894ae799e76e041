"""Finds out from a topic what the worker would make of it; nothing is written or sent."""
