"""Records as aiokafka hands them over, and as the worker takes them."""

from aiokafka import ConsumerRecord

from worker.kafka.beside import BesideRecord
from worker.model.records import Record


def as_record(given: ConsumerRecord[bytes, bytes]) -> Record:
    """The record as the worker's own type, which keeps nothing of the client's."""
    return Record(
        given.topic,
        given.partition,
        given.offset,
        given.timestamp,
        given.key,
        given.value,
        tuple((name, value) for name, value in given.headers),
        given.unreadable if isinstance(given, BesideRecord) else None,
    )
