"""Record -> command: a customer to create, or the reason why this record asks for nothing that can be done."""

from typing import Literal

from worker.customer import NOTHING_KNOWN, Configured, Customer, Format, Judge
from worker.customer.documents import Unreadable
from worker.customer.xml import read_xml
from worker.events.cloud_events import CONFIRMED, Content, Reader, Unsupported, Xml, require_supported
from worker.events.confirmation import read_confirmation
from worker.events.header_dialects import Told, told
from worker.events.identity import request_of, unreadable
from worker.model.commands import Command, CreateCustomer, Request, Unusable
from worker.model.outcomes import Reason, ReasonCode, Violation
from worker.model.records import Record

UnknownElements = Literal["refuse", "drop"]


class Decoder:
    """Decides what a record asks for. It never raises: whatever a record holds, the next one is decoded too.

    `event_attribute` names the custom attribute that the event's identity is written into (docs: design, look-ups).
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
    ) -> None:
        self._form: Format = form
        self._reader = Reader(max_bytes, max_depth)
        self._judge = Judge(departmentalization, catalog or NOTHING_KNOWN, unknown_elements == "drop")
        self._event_attribute = event_attribute

    @property
    def dropped_elements(self) -> int:
        """How many unknown elements were left out so far."""
        return self._judge.dropped

    def __call__(self, record: Record) -> Command:
        """A record's own words about who asks are kept even where its data is unusable."""
        headers = told(record)
        asked = self._asked(record, headers)
        if (why := unreadable(record, headers)) is None:
            return asked
        return Unusable(asked.request, Reason(ReasonCode.UNDECODABLE, why))

    def _asked(self, record: Record, headers: Told) -> Command:
        request = None
        try:
            event = self._reader.event(record, headers)
            request = request_of(record, headers.texts, event.attributes)
            if event.attributes is not None:
                require_supported(event.attributes)
                if event.attributes["type"] == CONFIRMED:
                    return read_confirmation(request, event.content())
            return self._command(request, self._judged(event.content()))
        except Unsupported as error:
            reason = Reason(ReasonCode.UNSUPPORTED_EVENT, str(error))
        except Unreadable as error:
            reason = Reason(ReasonCode.UNDECODABLE, str(error))
        except Exception as error:  # noqa: BLE001  # one record that nobody foresaw must not stop its partition
            reason = Reason(ReasonCode.UNDECODABLE, f"cannot be read ({type(error).__name__})")
        return Unusable(request or request_of(record, headers.texts), reason)

    def _judged(self, content: Content) -> Customer | tuple[Violation, ...]:
        if isinstance(content, Xml):
            document = read_xml(content.raw, self._reader.max_depth)
            return self._judge.accept(document) or self._judge.judge(document)
        return self._judge.accept(content.document) or self._judge.judge(content.exactly())

    def _command(self, request: Request, judged: Customer | tuple[Violation, ...]) -> CreateCustomer | Unusable:
        if isinstance(judged, tuple):
            message = f"{len(judged)} rule{'s are' if len(judged) > 1 else ' is'} broken"
            return Unusable(request, Reason(ReasonCode.INVALID_CUSTOMER, message, judged))
        if self._event_attribute:
            judged = judged.with_attribute(self._event_attribute, str(request.event))
        return CreateCustomer(request, judged.traits, judged.encode(self._form))
