"""Packs what is known of an event into few bytes: hardly any of the many events is ever asked for again."""

from struct import Struct

from worker.journal.known import KnownEvent, ended
from worker.journal.outcome_json import decode_outcome, encode_outcome
from worker.model.outcomes import Failed, Outcome, Reason, Resolution, Succeeded

Kind = tuple[str, str, Resolution] | Reason
"""What many outcomes have in common: location without the id, customer type and resolution; or the whole reason."""

# Seen, record offset, attempts, kind; what follows is the customer's id, or the outcome as JSON where no kind fits.
HEAD = Struct(">qqHH")
UNKIND = 0xFFFF
MAX_KINDS = 1_000
MAX_ATTEMPTS = 0xFFFF


class Packing:
    """Turns an event of one record that has ended into bytes, and back; all others stay as they are."""

    def __init__(self) -> None:
        self._kinds: list[Kind] = []
        self._numbers: dict[Kind, int] = {}

    def pack(self, event: KnownEvent) -> bytes | KnownEvent:
        """The event as bytes where it can be packed, else unchanged; `unpack` takes either."""
        if len(event.records) != 1:
            return event
        ((offset, known),) = event.records.items()
        if known.open or known.outcome is None or known != ended(known.outcome, known.attempts):
            return event
        return self.ended(event.seen, offset, known.outcome)

    def unpack(self, packed: bytes | KnownEvent) -> KnownEvent:
        """The event in full, from either form. A packed record's attempts are those of its outcome."""
        if isinstance(packed, KnownEvent):
            return packed
        seen, offset, attempts, number = HEAD.unpack_from(packed)
        rest = packed[HEAD.size :]
        outcome = decode_outcome(rest) if number == UNKIND else _outcome(self._kinds[number], rest.decode(), attempts)
        return KnownEvent(seen, {offset: ended(outcome)})

    def ended(self, seen: int, offset: int, outcome: Outcome) -> bytes:
        """Pack an event whose only record ended with that outcome."""
        number = self._number(outcome) if outcome.attempts <= MAX_ATTEMPTS else UNKIND
        if number == UNKIND:
            return HEAD.pack(seen, offset, 0, UNKIND) + encode_outcome(outcome)
        customer_id = outcome.customer_id if isinstance(outcome, Succeeded) else ""
        return HEAD.pack(seen, offset, outcome.attempts, number) + customer_id.encode()

    def _number(self, outcome: Outcome) -> int:
        """The number of the outcome's kind, or UNKIND.

        Few kinds are usual, and at most MAX_KINDS are kept: a reason that quotes its record is a kind of its own.
        """
        kind = _kind(outcome)
        if kind is None:
            return UNKIND
        number = self._numbers.get(kind)
        if number is None:
            if len(self._kinds) == MAX_KINDS:
                return UNKIND
            number = self._numbers[kind] = len(self._kinds)
            self._kinds.append(kind)
        return number


def _kind(outcome: Outcome) -> Kind | None:
    if isinstance(outcome, Failed):
        return None if outcome.reason.violations else outcome.reason
    if not outcome.location.endswith(outcome.customer_id):
        return None
    return outcome.location.removesuffix(outcome.customer_id), outcome.customer_type, outcome.resolution


def _outcome(kind: Kind, customer_id: str, attempts: int) -> Outcome:
    if isinstance(kind, Reason):
        return Failed(kind, attempts)
    location, customer_type, resolution = kind
    return Succeeded(customer_id, location + customer_id, customer_type, attempts, resolution)


def last_seen(packed: bytes | KnownEvent) -> int:
    """When the event's last entry was written; nothing else is unpacked."""
    if isinstance(packed, KnownEvent):
        return packed.seen
    seen: int = HEAD.unpack_from(packed)[0]
    return seen


def last_offset(packed: bytes | KnownEvent) -> int:
    """The highest offset of its records; nothing else is unpacked."""
    if isinstance(packed, KnownEvent):
        return max(packed.records)
    offset: int = HEAD.unpack_from(packed)[1]
    return offset
