"""The proxy on the way to the API: from the settings, or from the environment."""

import os
from urllib.request import getproxies, proxy_bypass

from yarl import URL

from worker.customer_api.proxy import Proxy
from worker.model.errors import SettingsError
from worker.settings.api import Api
from worker.settings.kinds import ENVIRONMENT


def proxy(api: Api) -> Proxy | None:
    """The proxy; None where there is none. SettingsError for one in the environment that cannot be used."""
    found = _of_environment(URL(api.base_url)) if api.proxy == ENVIRONMENT else URL(api.proxy or "")
    if not found.host:
        return None
    if api.proxy_username:
        password = api.proxy_password.get_secret_value() if api.proxy_password else ""
        return Proxy(str(found.origin()), api.proxy_username, password, api.proxy_ca_file)
    return Proxy(str(found.origin()), found.user, found.password or "", api.proxy_ca_file)


def _of_environment(url: URL) -> URL:
    """The environment's proxy, read as curl does: without a scheme it is http; none for what NO_PROXY names."""
    variables = getproxies()
    given = variables.get(url.scheme) or variables.get("all") or ""
    if not given or proxy_bypass(f"{url.host}:{url.port}"):
        return URL()
    try:
        found = URL(given if "://" in given else f"http://{given}")
    except ValueError:
        found = URL()
    if found.scheme not in {"http", "https"} or not found.host:
        raise SettingsError(f"{_named(url.scheme)} ({ENVIRONMENT}): no http or https proxy (WORKER_API__PROXY)")
    return found


def _named(scheme: str) -> str:
    """The environment's variable for that scheme, as it is spelled there."""
    names = [f"{scheme}_proxy", "all_proxy"]
    return next((name for name in os.environ if name.lower() in names), names[0])
