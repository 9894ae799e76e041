"""A person who has found the customer in the CRM says so: a record more, at any time, for which nothing is ever sent.

As `confirming` decides it; what is wrong is a POST whose intent stands behind such an end in the log.
"""

from collections.abc import Iterator

from chaos.protocol import CONFIRMED, REFUSED, State, Worker, name, put
from chaos.protocol_writes import Step, Writing
from chaos.reading import INTENT, end_of

from worker.journal.recall import CreatedBefore, Ended


class Confirming(Writing):
    """What a confirmation adds to the steps."""

    def _told_by_a_person(self, s: State) -> Iterator[Step]:
        """Only of a customer that exists; the record comes behind all others, also where those have ended."""
        if s.confirmations and any(s.executed):
            record = len(s.told)
            more = s._replace(confirmations=s.confirmations - 1, confirming=(*s.confirming, record))
            yield f"a person confirms it as r{record}", more._replace(told=(*s.told, ()), executed=(*s.executed, 0))

    def _confirms(self, s: State, number: int, taken: Worker) -> Iterator[Step]:
        """Another customer than the person's may be known where there are several."""
        me, record = name(number), taken.record
        match self._recalled(s, taken, record):
            case Ended(outcome):
                unheard = (*taken.unheard, (record, end_of(outcome)))
                yield f"{me} recalls r{record}'s end", put(s, number, taken._replace(record=-1, unheard=unheard))
                return
            case CreatedBefore() if sum(s.executed) > 1:
                yield f"{me} refuses r{record}", self._ends(s, number, taken, REFUSED)
            case _:
                pass
        yield f"{me} confirms r{record}", self._ends(s, number, taken, CONFIRMED)


def unheeded(s: State, number: int, record: int) -> bool:
    """Whether that worker's last intent of the record was written when the log said already that it exists."""
    intents = [at for at, said in enumerate(s.log) if said[:3] == (number, record, INTENT)]
    return bool(intents) and any(said.what == CONFIRMED for said in s.log[: intents[-1]])
