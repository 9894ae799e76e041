"""What the journal's entries carry in Kafka headers, which earlier versions ignore.

A header of another name is ignored, too: tools on the way may add their own.
"""

from typing import NamedTuple

import orjson

from worker.model.evidence import NO_EVIDENCE, Evidence
from worker.model.progress import Spans
from worker.model.records import Headers

EXISTS, FOUND_BEFORE, LOST, RESOLUTION = "exists", "found-before", "lost", "resolution"
GROUP, TOPIC, EXPIRED, ADOPTED_FROM = "group", "topic", "expired", "adopted-from"


def evidence_headers(evidence: Evidence) -> Headers:
    """The headers of the evidence; none where nothing is known, as with nearly every entry."""
    if evidence is NO_EVIDENCE:
        return ()
    marks = tuple((name, b"true") for name, holds in ((EXISTS, evidence.exists), (LOST, evidence.lost)) if holds)
    found = evidence.found_before
    return (*marks, *(((FOUND_BEFORE, orjson.dumps(found)),) if found is not None else ()))


def read_evidence(headers: Headers) -> Evidence:
    """Read the evidence. ValueError where one of its headers has a value that is never written."""
    if not headers:
        return NO_EVIDENCE
    given = dict(headers)
    found = given.get(FOUND_BEFORE)
    ids = None if found is None else _ids(orjson.loads(found))
    evidence = Evidence(_is_marked(given.get(EXISTS)), ids, _is_marked(given.get(LOST)))
    return NO_EVIDENCE if evidence == NO_EVIDENCE else evidence


class Told(NamedTuple):
    """What a claim's headers say: whose requests, which of them expired unread, and which group it was taken from."""

    group: str | None = None
    topic: str | None = None
    expired: Spans = ()
    adopted_from: str | None = None


def claim_headers(told: Told) -> Headers:
    """The headers of a claim; there is none for a fact that is not known."""
    named = ((GROUP, told.group), (TOPIC, told.topic), (ADOPTED_FROM, told.adopted_from))
    spans = ((EXPIRED, orjson.dumps(told.expired)),) if told.expired else ()
    return (*((name, text.encode()) for name, text in named if text is not None), *spans)


def read_claim_headers(headers: Headers) -> Told:
    """Read a claim's headers. ValueError where one of them has a value that is never written."""
    given = dict(headers)
    expired = given.get(EXPIRED)
    spans = () if expired is None else _spans(orjson.loads(expired))
    return Told(_text(given.get(GROUP)), _text(given.get(TOPIC)), spans, _text(given.get(ADOPTED_FROM)))


def _is_marked(raw: bytes | None) -> bool:
    if raw not in {None, b"true"}:
        raise ValueError("not an evidence")
    return raw is not None


def _ids(given: object) -> tuple[str, ...]:
    match given:
        case [*ids]:
            return tuple(_id(each) for each in ids)
        case _:
            raise ValueError("not a list of ids")


def _id(given: object) -> str:
    match given:
        case str(known):
            return known
        case _:
            raise ValueError("not an id")


def _spans(given: object) -> Spans:
    match given:
        case [*spans]:
            return tuple(_span(each) for each in spans)
        case _:
            raise ValueError("not a list of spans")


def _span(given: object) -> tuple[int, int]:
    match given:
        case [int(first), int(end)] if 0 <= first < end:
            return first, end
        case _:
            raise ValueError("not a span")


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode()
