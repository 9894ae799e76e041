"""What the API presents to those who connect by TLS."""

import asyncio
import ssl

from yarl import URL

from worker.customer_api.connector import trusted
from worker.customer_api.http import Access
from worker.model.errors import ApiUnavailable


async def certificate(access: Access) -> tuple[str, float]:
    """(protocol, when it ends in seconds since the epoch) of a certificate that is trusted. Raises ApiUnavailable."""
    url = URL(access.base_url)
    try:
        async with asyncio.timeout(access.connect_timeout):
            _, writer = await asyncio.open_connection(url.host, url.port, ssl=trusted(access.ca_file))
    except ssl.SSLCertVerificationError as error:
        raise ApiUnavailable(f"its certificate was not accepted: {error.verify_message}") from error
    except (OSError, TimeoutError) as error:
        raise ApiUnavailable(f"no TLS with {url.origin()}: {type(error).__name__}") from error
    try:
        spoken: ssl.SSLObject = writer.get_extra_info("ssl_object")
        presented = spoken.getpeercert() or {}
        return spoken.version() or "TLS", float(ssl.cert_time_to_seconds(str(presented["notAfter"])))
    finally:
        writer.transport.abort()
