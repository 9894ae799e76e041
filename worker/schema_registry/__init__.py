"""The schema registry: the only place beside `worker.customer_api` that knows aiohttp's client."""

from worker.schema_registry.client import Registry, schema_registry
from worker.schema_registry.http import Access
from worker.schema_registry.schemas import Schemas, opened_schemas

__all__ = ["Access", "Registry", "Schemas", "opened_schemas", "schema_registry"]
