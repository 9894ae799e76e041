"""What the worker reads and publishes, as an AsyncAPI 3.0 document: `schema asyncapi`."""

from worker.asyncapi.channels import Channels
from worker.asyncapi.document import Server, asyncapi

__all__ = ["Channels", "Server", "asyncapi"]
