"""How long a test waits for what comes at once on an idle machine."""

from typing import Final

PATIENCE: Final = 100
"""Seconds after which it hangs. No test that passes waits for it, so that it costs nothing.

Where a time is what is tried, another number stands there, and measures nothing else.
"""
