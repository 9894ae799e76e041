"""Everything that stops a record from having an outcome yet, or the worker from running.

WorkerError
├── SettingsError        a setting is wrong; the worker does not start (exit 2)
├── StartupError         something outside is not as it must be; the worker does not start (exit 1)
│   ├── ConfigRefused        Kafka does not let a topic be configured so
│   └── TopicMissing         Kafka says that a topic does not exist
├── LocalKafkaError      the Kafka on this machine could not be started (exit 1)
├── LocalRegistryError   the schema registry on this machine could not be started (exit 1)
├── Unavailable          an outside system cannot be reached; nothing was sent
│   ├── ApiUnavailable
│   ├── KafkaUnavailable
│   │   └── LogStartMoved    records were deleted while they were being read
│   └── SchemaRegistryUnavailable
├── RefusedForNow        the API answered, and may answer otherwise later
├── LoginRefused         the API does not let us in
│   └── SessionContention    others end our sessions as fast as we log in
├── Flooded              the API refuses nearly everything, this request too
├── OutcomeUnknown       the request was sent, but no answer came that tells its outcome
│   └── CreatedIdUnknown     the customer exists, and the answer did not say under which id
├── SearchRefused        the look-up can tell nothing
├── MessageTooLarge      Kafka takes no message of that size in that topic
├── CommitRefused        the group has given our partitions to somebody else
├── Fenced               somebody else wrote to our journal partition; nothing more is sent or published
├── Superseded           another replay has begun; this one publishes nothing more (exit 1)
├── LeaseOver            the POST of an intent may not start any more; nothing was sent
├── HoldBegun            a hold about the API has begun before the POST did; nothing was sent
├── JournalMismatch      the journal has more partitions than the requests, or lacks this one; it is not worked on
├── JournalShared        another deployment has claimed our journal partition; no record of it is taken
├── JournalUnreadable    a journal entry that this version cannot read; it is never guessed at
└── Draining             the worker is stopping or gives the partition up; the record stays uncommitted
"""


class WorkerError(Exception):
    """The root of the tree."""


class SettingsError(WorkerError):
    """One line per wrong setting, with its name and place, never a secret."""


class StartupError(WorkerError):
    """One line that names what is wrong, and the setting that it comes from."""


class ConfigRefused(StartupError):
    """The message names the topic, and what Kafka says of it."""


class TopicMissing(StartupError):
    """The message names the topic, and the setting that it comes from."""

    def __init__(self, topic: str, setting: str) -> None:
        super().__init__(f"topic {topic} (WORKER_TOPICS__{setting}) does not exist")
        self.topic = topic


class LocalKafkaError(WorkerError):
    """The message says what is missing for a Kafka on this machine, and the two ways out."""


class LocalRegistryError(WorkerError):
    """The message says what is missing for a schema registry on this machine, and the way out."""


class Unavailable(WorkerError):
    """Nothing was sent, so that trying again is safe and costs no attempt."""


class ApiUnavailable(Unavailable):
    """No connection to the API: refused, no such host, TLS, no answer before anything was sent."""


class KafkaUnavailable(Unavailable):
    """No connection to Kafka."""


class LogStartMoved(KafkaUnavailable):
    """Records were deleted from the log's start while it was read; a caller that needs all must read it again."""


class SchemaRegistryUnavailable(Unavailable):
    """No answer that a schema registry would give, or the registry was not asked yet."""


class RefusedForNow(WorkerError):
    """A retryable answer; `retry_after` is in seconds."""

    def __init__(self, status: int, error_code: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(f"the API answered {status}")
        self.status = status
        self.error_code = error_code
        self.retry_after = retry_after


class LoginRefused(WorkerError):
    """The API refused the login, or a session right after a good login."""


class SessionContention(LoginRefused):
    """More processes share a user's account than the five sessions that it may have."""


class OutcomeUnknown(WorkerError):
    """The customer may or may not exist now."""


class CreatedIdUnknown(OutcomeUnknown):
    """The customer exists: the request must never be sent again."""


class SearchRefused(WorkerError):
    """No permission, no criterion, or an answer that cannot be read."""


class Flooded(WorkerError):
    """The refusal is not believed for now; nothing was carried out."""


class MessageTooLarge(WorkerError):
    """The message was not published, and never will be in this form.

    `which` are the places of such messages among those that were to be published together.
    """

    def __init__(self, text: str, which: tuple[int, ...] = (0,)) -> None:
        super().__init__(text)
        self.which = which


class CommitRefused(WorkerError):
    """The offsets will be committed by the partition's new owner."""


class Fenced(WorkerError):
    """The partition must be claimed anew, if it is still ours."""


class Superseded(WorkerError):
    """Of several publishers of a name, only the one that was opened last goes on."""


class LeaseOver(WorkerError):
    """Raised right before the request would have been written."""


class HoldBegun(WorkerError):
    """Raised right before the request would have been written, or earlier; it costs no attempt."""


class JournalMismatch(WorkerError):
    """The message names both topics, and says what to do."""


class JournalShared(WorkerError):
    """The message names both deployments, and says what to do."""


class JournalUnreadable(WorkerError):
    """The message names topic, partition and offset of the entry."""


class Draining(WorkerError):
    """Raised out of every wait while the partition drains."""
