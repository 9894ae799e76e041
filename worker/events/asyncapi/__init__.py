"""What the worker reads and publishes, as an AsyncAPI 3.0 document: `schema asyncapi`."""

from worker.events.asyncapi.channels import Channels
from worker.events.asyncapi.document import Server, asyncapi

__all__ = ["Channels", "Server", "asyncapi"]
