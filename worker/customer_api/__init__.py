"""The only place that knows aiohttp's client: calls to eGain's API."""

from worker.customer_api.access import Access
from worker.customer_api.answers import Meaning
from worker.customer_api.client import CustomerApi, customer_api
from worker.customer_api.session import Credentials

__all__ = ["Access", "Credentials", "CustomerApi", "Meaning", "customer_api"]
