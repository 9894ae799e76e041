"""How the API is reached, as whom, and what its answers mean."""

import socket
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from worker.customer_api import Access, CustomerApi, Meaning, customer_api
from worker.customer_api.session import Credentials
from worker.measures import Measures
from worker.model.errors import SettingsError
from worker.settings.settings import Settings
from worker.wiring.proxy import proxy
from worker.wiring.replica import ordinal


def access(settings: Settings) -> Access:
    """How the API is reached."""
    api = settings.api
    return Access(
        api.base_url,
        api.context_root,
        api.format,
        api.accept_language,
        connect_timeout=api.connect_timeout,
        request_timeout=api.request_timeout,
        keepalive_timeout=api.keepalive_timeout,
        pool_size=api.pool_size or settings.dispatch.max_in_flight,
        ca_file=api.ca_file,
        cert_file=api.cert_file,
        key_file=api.key_file,
        proxy=proxy(api),
    )


def credentials(settings: Settings) -> Credentials:
    """The account of this replica's ordinal, or the only one."""
    api = settings.api
    if api.accounts:
        number = ordinal(socket.gethostname())
        if number >= len(api.accounts):
            raise SettingsError(f"WORKER_API__ACCOUNTS: has {len(api.accounts)}, and this is replica number {number}")
        account = api.accounts[number]
        return Credentials(account.username, account.password.get_secret_value())
    if not api.username or not api.password.get_secret_value():
        raise SettingsError("WORKER_API__USERNAME and WORKER_API__PASSWORD: required")
    return Credentials(api.username, api.password.get_secret_value())


def api(
    settings: Settings, reread: Callable[[], Settings] | None = None, measures: Measures | None = None
) -> AbstractAsyncContextManager[CustomerApi]:
    """A client of the API; SettingsError where there is no account. A password that changes is read at a login."""
    account = credentials(settings)
    return customer_api(
        access(settings),
        (lambda: credentials(reread())) if reread else account,
        force_login=settings.api.force_login,
        meaning=meaning(settings),
        measures=measures,
    )


def meaning(settings: Settings) -> Meaning:
    """What answers mean; a call that a proxy may have lost is a doubt where a doubt can be looked up."""
    given, looked_up = settings.api, settings.reconcile.by != "none"
    return Meaning(
        given.unknown,
        given.not_now,
        with_wait=given.with_wait if looked_up else frozenset(),
        own_path=access(settings).own_path,
    )


def resends_503(settings: Settings) -> bool:
    """Whether a 503 is taken for "not now" whoever said it, and however."""
    given = meaning(settings)
    return 503 in given.not_now - given.with_wait
