"""Puts a fault around the execution of a call."""

from collections.abc import Callable

from worker.sandbox.api.answers import SESSION, Answer, Refused, error, odd_body
from worker.sandbox.api.faults import Fault, Kind
from worker.sandbox.api.incoming import Dropped, Incoming
from worker.sandbox.api.sessions import Sessions

Execute = Callable[[], Answer]


def session_refused(call: Incoming) -> Refused:
    """The answer to a session that is missing, unknown or over."""
    message = "Invalid or expired X-egain-session. Log in again."
    return Refused(error(call.form, 401, message, "401-101"))


async def under_fault(fault: Fault | None, call: Incoming, sessions: Sessions, execute: Execute) -> Answer:
    """What the client is told; raises `Dropped` where it is told nothing."""
    if fault is None:
        return execute()
    call.fault = fault.kind.value
    match fault.kind:
        case Kind.STATUS:
            return _instead(fault, call)
        case Kind.RESET:
            raise Dropped(reset=True)
        case Kind.HANG:
            await call.hang()
            raise Dropped
        case Kind.EXPIRE_SESSION:
            if call.session is not None:
                sessions.end(call.session)
            raise session_refused(call)
        case Kind.DELAY_BEFORE:
            await call.pause(fault.seconds or 0)
            return execute()
        case _:
            return await _after_execution(fault, call, execute())


async def _after_execution(fault: Fault, call: Incoming, done: Answer) -> Answer:
    match fault.kind:
        case Kind.REPLY_LOST:
            call.customer_id = done.customer_id
            raise Dropped(done.execution)
        case Kind.STATUS_AFTER:
            instead = _instead(fault, call)
            instead.execution, instead.customer_id = done.execution, done.customer_id
            return instead
        case Kind.DELAY_AFTER:
            await _pause_after(call, done, fault.seconds or 0)
        case Kind.SLOW:
            done.trickle = fault.seconds
        case _:
            _relocate(fault.kind, call, done)
    return done


async def _pause_after(call: Incoming, done: Answer, seconds: float) -> None:
    try:
        await call.pause(seconds)
    except Dropped:
        raise Dropped(done.execution) from None


def _relocate(kind: Kind, call: Incoming, done: Answer) -> None:
    location = done.headers.pop("Location", None)
    if location is not None and kind is Kind.LOCATION_GARBAGE:
        done.headers["Location"] = "http://[not-a-place"
    if location is not None and kind is Kind.LOCATION_ABSOLUTE:
        done.headers["Location"] = f"http://{call.request.host}{location}"


def _instead(fault: Fault, call: Incoming) -> Answer:
    answer = odd_body(fault.body or call.form, fault.answer_status)
    if call.session is not None:
        answer.headers[SESSION] = call.session.id
    answer.headers.update(fault.headers)
    return answer
