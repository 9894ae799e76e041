"""Turns a record into a command: a customer to create, or the reason why this record asks for nothing of the kind."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, Literal

from worker.counting import counted
from worker.customer import NOTHING_KNOWN, Configured, Customer, Format, Judge
from worker.customer.documents import Json, Unreadable
from worker.customer.plain import normalised
from worker.customer.violations import TOO_MANY
from worker.customer.xml import read_xml
from worker.events.cloud_events import CONFIRMED, Content, Event, Reader, Unsupported, Xml, require_supported
from worker.events.confirmation import confirms, read_confirmation
from worker.events.header_dialects import Told, as_text, texts, told
from worker.events.identity import request_of, unreadable
from worker.events.mapping import EventMapping, Mapped, Passed, Seen
from worker.events.registered.schema import Readers
from worker.model.commands import Command, CreateCustomer, PassOver, Request, Unusable
from worker.model.errors import SchemaRegistryUnavailable
from worker.model.outcomes import MAX_VIOLATIONS, Reason, ReasonCode, Violation
from worker.model.records import Record

TRACE: Final = ("traceparent", "tracestate")

UnknownElements = Literal["refuse", "drop"]
Asked = tuple[Request, Callable[[], Command]]
"""Who asks, and a function that reads what is asked: the first is known even where the second raises."""


class Decoder:
    """Decides what a record asks for. No record's content raises: the next one is always decoded, too.

    `event_attribute` names the custom attribute that the event's identity is written into (docs: design, look-ups).
    `mapping` turns somebody else's events into ours; a person's confirmation is read without it. `readers`, for a topic
    with a schema registry, know the schemas that were fetched. The only error raised is SchemaRegistryUnavailable, for
    a record whose schema is not among them.
    """

    def __init__(  # noqa: PLR0913  # one keyword for each setting it depends on
        self,
        *,
        form: Format = "json",
        max_bytes: int = 1024 * 1024,
        max_depth: int = 32,
        departmentalization: bool = False,
        catalog: Configured | None = None,
        unknown_elements: UnknownElements = "refuse",
        event_attribute: str | None = None,
        mapping: EventMapping | None = None,
        readers: Readers | None = None,
    ) -> None:
        self._form: Format = form
        self._reader = Reader(max_bytes, max_depth, readers)
        self._judge = Judge(departmentalization, catalog or NOTHING_KNOWN, unknown_elements == "drop")
        self._event_attribute = event_attribute
        self._mapping = mapping

    @property
    def passing(self) -> tuple[str, ...]:
        """The words of the rules by which records are passed over."""
        return self._mapping.passing if self._mapping else ()

    @property
    def dropped_elements(self) -> int:
        """How many unknown elements were left out so far."""
        return self._judge.dropped

    def __call__(self, record: Record) -> Command:
        """The command of a record. Who asks is kept, as far as the record says it, even where its data is unusable."""
        headers = told(record)
        asked = self._asked(record, headers)
        if (why := unreadable(record, headers)) is None:
            return asked
        return Unusable(asked.request, Reason(ReasonCode.UNDECODABLE, why))

    def _asked(self, record: Record, headers: Told) -> Command:
        request = None
        try:
            if self._mapping is None or confirms(record, headers):
                request, command = self._of_ours(record, headers)
            else:
                request, command = self._of_others(record, headers, self._mapping)
            return command()
        except SchemaRegistryUnavailable:
            raise
        except Unsupported as error:
            reason = Reason(ReasonCode.UNSUPPORTED_EVENT, str(error))
        except Unreadable as error:
            reason = Reason(ReasonCode.UNDECODABLE, str(error))
        except Exception as error:  # noqa: BLE001  one record that nobody foresaw must not stop its partition
            reason = Reason(ReasonCode.UNDECODABLE, f"cannot be read ({type(error).__name__})")
        return Unusable(request or request_of(record, headers.texts), reason)

    def _of_ours(self, record: Record, headers: Told) -> Asked:
        event = self._reader.event(record, headers)
        request = request_of(record, headers.texts, event.attributes)
        return request, partial(self._read, record, request, event)

    def _read(self, record: Record, request: Request, event: Event) -> Command:
        self._reader.require_schema(record, event.attributes)
        if event.attributes is not None:
            require_supported(event.attributes)
            if event.attributes["type"] == CONFIRMED:
                return read_confirmation(request, event.content())
        return self._command(request, self._judged(event.content()))

    def _of_others(self, record: Record, headers: Told, mapping: EventMapping) -> Asked:
        """An event of somebody else's, by the mapping. Of its CloudEvent attributes only the trace is used."""
        seen = Seen(value=None, key=as_text(record.key), headers=texts(record), topic=record.topic)
        found = mapping(seen, lambda: self._document(record, headers))
        trace = _trace(seen["value"], headers)
        if isinstance(found, Passed):
            request = request_of(record, headers.texts, trace)
            return request, lambda: PassOver(request, found.rule)
        request = request_of(record, headers.texts, trace | found.names)
        return request, partial(self._mapped, request, found)

    def _document(self, record: Record, headers: Told) -> Json:
        """The value as JSON. It must name a schema where there is a registry, unless it is null or an event of ours."""
        value = self._reader.document(record)
        if value is not None:
            self._reader.require_schema(record, _attributes(value, headers))
        return value

    def _mapped(self, request: Request, event: Mapped) -> Command:
        """The command of a mapped event. Like a person, a mapping may write a customer in any form that is accepted."""
        document = normalised(event.customer())
        return self._command(request, self._judge.accept(document) or self._judge.judge(document))

    def _judged(self, content: Content) -> Customer | tuple[Violation, ...]:
        if isinstance(content, Xml):
            document = read_xml(content.raw, self._reader.max_depth)
            return self._judge.accept(document) or self._judge.judge(document)
        return self._judge.accept(content.document) or self._judge.judge(content.exactly())

    def _command(self, request: Request, judged: Customer | tuple[Violation, ...]) -> CreateCustomer | Unusable:
        if isinstance(judged, tuple):
            return Unusable(request, Reason(ReasonCode.INVALID_CUSTOMER, _in_words(judged), judged))
        if self._event_attribute:
            judged = judged.with_attribute(self._event_attribute, str(request.event))
        return CreateCustomer(request, judged.traits, judged.encode(self._form))


def _in_words(broken: tuple[Violation, ...]) -> str:
    if broken[-1] == TOO_MANY:
        return f"more than {MAX_VIOLATIONS} rules are broken"
    return counted(len(broken), "rule is broken", "rules are broken")


def _attributes(value: Json, headers: Told) -> Mapping[str, Json]:
    """The attributes of a CloudEvent of any type; empty for a record that is none."""
    return value if isinstance(value, dict) and "specversion" in value else headers.attributes or {}


def _trace(value: Json, headers: Told) -> dict[str, Json]:
    told = _attributes(value, headers)
    return {name: told[name] for name in TRACE if name in told}
