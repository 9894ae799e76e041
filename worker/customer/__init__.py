"""The customer resource of the API: its elements, rules and wire forms."""

from worker.customer.circumstances import NOTHING_KNOWN, Configured
from worker.customer.valid import Customer, Format, Judge

__all__ = ["NOTHING_KNOWN", "Configured", "Customer", "Format", "Judge"]
