"""Which class strikes for which trouble."""

from collections.abc import Mapping
from typing import Final

from chaos.faults.deletions import GroupDeleted, JournalDeleted, RequestsDeleted
from chaos.faults.fault import Fault
from chaos.faults.floods import Flood
from chaos.faults.odd import OddRecords
from chaos.faults.partitions import PartitionsAdded
from chaos.faults.quiet import Quiet
from chaos.faults.redirects import Redirect
from chaos.faults.repeats import Repeats
from chaos.faults.searches import SearchBreaks
from chaos.faults.transactions import LeftOpen, Transaction
from chaos.faults.unreadable import Unreadable
from chaos.faults.words import Resolve
from chaos.troubles import Trouble

EVERY: Final[Mapping[Trouble, Fault]] = {
    Trouble.COMMITTED: Transaction(committed=True),
    Trouble.ABORTED: Transaction(committed=False),
    Trouble.LEFT_OPEN: LeftOpen(),
    Trouble.REQUESTS_DELETED: RequestsDeleted(),
    Trouble.JOURNAL_DELETED: JournalDeleted(),
    Trouble.GROUP_DELETED: GroupDeleted(),
    Trouble.PARTITIONS_ADDED: PartitionsAdded(),
    Trouble.UNREADABLE: Unreadable(),
    Trouble.ODD: OddRecords(),
    Trouble.REPEATS: Repeats(),
    Trouble.FLOOD: Flood(),
    Trouble.REDIRECT: Redirect(),
    Trouble.ONE_SEARCH: SearchBreaks(),
    Trouble.QUIET: Quiet(),
    Trouble.RESOLVE: Resolve(),
}
