"""One record, the forms of its dead letter, and a fake request topic that still has the record or not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import orjson
from builders import SMALL_CUSTOMER

from worker.events.results import Results
from worker.model.commands import Request
from worker.model.outcomes import Failed, Reason, ReasonCode
from worker.model.records import Record

EVENT = Request("urn:shop", "e-1")
RESULTS = Results("crm", "ok", "failed", "dead", "group")
BINARY = (
    ("ce_specversion", b"1.0"),
    ("ce_id", b"e-1"),
    ("ce_source", b"urn:shop"),
    ("ce_type", b"customer.create.requested.v1"),
    ("ce_subject", b"s-1"),
    ("content-type", b"application/json"),
)
ORIGINAL = Record("customer.create.requests", 0, 7, 1_000, b"k", orjson.dumps(SMALL_CUSTOMER), BINARY)


class There:
    """The request topic with the records that are left in it."""

    def __init__(self, *records: Record) -> None:
        self.records = records

    @asynccontextmanager
    async def __call__(self, *_: Any) -> AsyncIterator["There"]:
        yield self

    async def at(self, partition: int, offset: int) -> Record | None:
        return next((each for each in self.records if (each.partition, each.offset) == (partition, offset)), None)


def letter_of(record: Record, form: str = "whole") -> Record:
    """The record's dead letter: `whole`, without its value (`omitted`), or with its `place` alone."""
    failed = Failed(Reason(ReasonCode.OUTCOME_UNKNOWN, "why"), 1)
    *_, without, bare = RESULTS.dead_letters(failed, record, replace(EVENT, subject="s-1"), 0.0)
    message = {"whole": RESULTS.dead_letter(failed, record, EVENT, 0.0), "omitted": without, "place": bare}[form]
    return Record("dead", 0, 17, 2_000, message.key, message.value, message.headers)
