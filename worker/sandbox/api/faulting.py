"""Applies a fault to the execution of a call."""

from collections.abc import Callable

from worker.sandbox.api.answers import BIG_HEAD, SESSION, Answer, Refused, error, odd_body
from worker.sandbox.api.faults import Call, Fault, Kind, Seen
from worker.sandbox.api.incoming import Dropped, Incoming
from worker.sandbox.api.state import Sandbox

Execute = Callable[[], Answer]


def session_refused(call: Incoming, login_page: str | None = None) -> Refused:
    """The answer to a session that is missing, unknown or over: a 401, or a redirect to `login_page`."""
    if login_page is not None:
        return Refused(Answer(302, headers={"Location": f"http://{call.request.host}{login_page}"}))
    message = "Invalid or expired X-egain-session. Log in again."
    return Refused(error(call.form, 401, message, "401-101"))


def unread(name: Call) -> Seen:
    """A call whose body no fault looks at."""
    return Seen(name, lambda: "", lambda _: [])


def reset_on_arrival(sandbox: Sandbox, call: Incoming) -> None:
    """Raise `Dropped` for a create call, before its body is read, if a reset fault strikes it."""
    if sandbox.faults.on_arrival(unread("create")) is not None:
        call.fault = Kind.RESET.value
        raise Dropped(reset=True)


async def under_faults(sandbox: Sandbox, call: Incoming, execute: Execute, seen: Seen) -> Answer:
    """Execute the call with the first fault that strikes it, if any, and return the answer for the client.

    Raises `Dropped` where the client gets no answer, and `Refused` where the fault ends its session.
    """
    faults = sandbox.faults
    if not faults.active:
        return execute()
    fault = faults.on_reading(seen) if seen.call == "create" else faults.on_arrival(seen) or faults.on_reading(seen)
    return execute() if fault is None else await _under_fault(fault, call, sandbox, execute)


async def _under_fault(fault: Fault, call: Incoming, sandbox: Sandbox, execute: Execute) -> Answer:
    call.fault = fault.kind.value
    match fault.kind:
        case Kind.STATUS:
            return _instead(fault, call)
        case Kind.RESET:
            raise Dropped(reset=True)
        case Kind.HANG:
            await call.hang()
            raise Dropped
        case Kind.EXPIRE_SESSION | Kind.LOGIN_PAGE:
            raise _session_over(call, sandbox, led_away=fault.kind is Kind.LOGIN_PAGE)
        case Kind.DELAY_BEFORE:
            await call.pause(fault.seconds or 0)
            return execute()
        case _:
            return await _after_execution(fault, call, execute())


def _session_over(call: Incoming, sandbox: Sandbox, *, led_away: bool) -> Refused:
    if call.session is not None:
        sandbox.sessions.end(call.session, led_away=led_away)
    return session_refused(call, sandbox.config.login_page if led_away else None)


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
        case Kind.BIG_HEAD:
            done.headers.update(BIG_HEAD)
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
