"""The only place that knows aiohttp's client: calls to eGain's API."""

from worker.customer_api.access import Access
from worker.customer_api.accounts import Accounts, Credentials
from worker.customer_api.answers import Meaning
from worker.customer_api.client import CustomerApi, customer_api
from worker.customer_api.compiled import uncompiled

__all__ = ["Access", "Accounts", "Credentials", "CustomerApi", "Meaning", "customer_api", "uncompiled"]
