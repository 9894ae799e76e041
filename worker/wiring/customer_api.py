"""How the API is reached, as whom, and what its answers mean."""

import socket
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from worker import clocks
from worker.customer_api import Access, Accounts, Credentials, CustomerApi, Meaning, customer_api
from worker.measures import Measures
from worker.model.errors import SettingsError
from worker.settings.settings import Settings
from worker.wiring.proxy import proxy
from worker.wiring.replica import has_ordinal, ordinal


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


def credentials(settings: Settings) -> tuple[Credentials, ...]:
    """The account of this replica's ordinal; all accounts where it has none. SettingsError where there is none."""
    api, hostname = settings.api, socket.gethostname()
    if not api.accounts:
        if not api.username or not api.password.get_secret_value():
            raise SettingsError("WORKER_API__USERNAME and WORKER_API__PASSWORD: required")
        return (Credentials(api.username, api.password.get_secret_value()),)
    found = tuple(Credentials(each.username, each.password.get_secret_value()) for each in api.accounts)
    if not has_ordinal(hostname):
        return found
    if (number := ordinal(hostname)) >= len(found):
        raise SettingsError(f"WORKER_API__ACCOUNTS: has {len(found)}, and this is replica number {number}")
    return (found[number],)


def api(
    settings: Settings, reread: Callable[[], Settings] | None = None, measures: Measures | None = None
) -> AbstractAsyncContextManager[CustomerApi]:
    """A client of the API; SettingsError where there is no account. With `reread` each login reads the password anew.

    Replicas without an ordinal begin at a random account, so that they spread over them.
    """
    found = credentials(settings)
    read = (lambda: credentials(reread())) if reread else (lambda: found)
    accounts = Accounts(read, force=settings.api.force_login, at=int(clocks.draw() * len(found)))
    return customer_api(access(settings), accounts, meaning=meaning(settings), measures=measures)


def meaning(settings: Settings) -> Meaning:
    """What answers mean. A 503 without Retry-After is a doubt only where a doubt can be looked up."""
    given, looked_up = settings.api, settings.reconcile.by != "none"
    return Meaning(
        given.unknown,
        given.not_now,
        with_wait=given.with_wait if looked_up else frozenset(),
        own_path=access(settings).own_path,
    )


def resends_503(settings: Settings) -> bool:
    """Whether every 503 means "not now", also one without Retry-After, which a proxy may have said."""
    given = meaning(settings)
    return 503 in given.not_now - given.with_wait
