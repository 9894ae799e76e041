"""Which replica of a StatefulSet this process is."""

import re

from worker.model.errors import SettingsError

ENDS_IN_A_NUMBER = re.compile(r"-(\d+)$")


def instance(named: str | None, hostname: str) -> str | None:
    """The static member's name for this replica; two with one name would throw each other out of the group."""
    if named is None or "{ordinal}" not in named:
        return named
    if not has_ordinal(hostname):
        raise SettingsError(
            f"WORKER_KAFKA__GROUP_INSTANCE_ID: {{ordinal}} needs a host name such as worker-0, not {hostname}"
        )
    return named.replace("{ordinal}", str(ordinal(hostname)))


def has_ordinal(hostname: str) -> bool:
    """Whether the host name ends in a number, as a StatefulSet's replicas do."""
    return ENDS_IN_A_NUMBER.search(hostname) is not None


def ordinal(hostname: str) -> int:
    """The number at the end of a StatefulSet's host name; 0 without one."""
    found = ENDS_IN_A_NUMBER.search(hostname)
    return int(found.group(1)) if found else 0
