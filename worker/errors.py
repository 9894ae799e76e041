"""Everything that stops a record from having an outcome yet, or the worker from running.

WorkerError
├── SettingsError        a setting is wrong; the worker does not start (exit 2)
├── StartupError         something outside is not as it must be; the worker does not start (exit 1)
├── LocalKafkaError      the Kafka on this machine could not be started (exit 1)
├── Unavailable          an outside system cannot be reached; nothing was sent
│   ├── ApiUnavailable
│   └── KafkaUnavailable
├── RefusedForNow        the API answered, and may answer otherwise later
├── LoginRefused         the API does not let us in
├── OutcomeUnknown       the request left, the answer never came
├── CommitRefused        the group has given our partitions to somebody else
├── JournalUnreadable    a journal entry that this version cannot read; it is never guessed at
└── Draining             the worker is stopping or gives the partition up; the record stays uncommitted
"""


class WorkerError(Exception):
    """The root of the tree."""


class SettingsError(WorkerError):
    """One line per wrong setting, with its name and place, never a secret."""


class StartupError(WorkerError):
    """One line that names the thing and the setting it comes from."""


class LocalKafkaError(WorkerError):
    """What is missing for a Kafka on this machine, and the two ways out."""


class Unavailable(WorkerError):
    """Nothing was sent, so that trying again is safe and costs no attempt."""


class ApiUnavailable(Unavailable):
    """No connection to the API: refused, no such host, TLS, no answer before anything was sent."""


class KafkaUnavailable(Unavailable):
    """No connection to Kafka."""


class RefusedForNow(WorkerError):
    """A retryable answer; `retry_after` is in seconds."""

    def __init__(self, status: int, error_code: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(f"the API answered {status}")
        self.status = status
        self.error_code = error_code
        self.retry_after = retry_after


class LoginRefused(WorkerError):
    """The API refused the login, or a session right after a good login."""


class OutcomeUnknown(WorkerError):
    """The customer may or may not exist now."""


class CommitRefused(WorkerError):
    """The offsets will be committed by the partition's new owner."""


class JournalUnreadable(WorkerError):
    """Names topic, partition and offset of the entry."""


class Draining(WorkerError):
    """Raised out of every wait while the partition drains."""
