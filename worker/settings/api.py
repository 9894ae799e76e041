"""The settings of the API: where it is, who we are there, and what its answers mean. Durations are seconds."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import NoDecode

from worker.settings.group import Group
from worker.settings.kinds import ContextRoot, Origin, Positive, Seconds, Statuses, parsed


class Account(Group):
    """One user of the API."""

    username: str
    password: SecretStr


class Api(Group):
    base_url: Origin = "http://127.0.0.1:8090"
    """Where the API is: scheme, host and port."""
    context_root: ContextRoot = "/system"
    """What stands before /ws/v12 in the API's paths."""
    format: Literal["json", "xml"] = "json"
    """The format of what is sent."""
    accept_language: str = "en-US"
    """The language of the API's error texts."""
    username: str = ""
    """The API's user."""
    password: SecretStr = SecretStr("")
    """That user's password."""
    accounts: Annotated[tuple[Account, ...], NoDecode, BeforeValidator(parsed)] = ()
    """Several users, as JSON: [{"username": .., "password": ..}]; a replica takes the one of its ordinal."""
    force_login: bool = True
    """At the limit of five sessions a user, end the oldest one instead of being refused."""
    connect_timeout: Seconds = Field(5, gt=0)
    """To connect, TLS included."""
    request_timeout: Seconds = Field(30, gt=0)
    """From the first byte sent to the last byte of the answer; when it passes, the outcome is unknown."""
    keepalive_timeout: Seconds = 4
    """How long an idle connection is kept; stay below the server's own: a connection closed under a POST is a doubt."""
    pool_size: Positive | None = None
    """Connections at once; unset: the records in flight."""
    ca_file: Path | None = None
    """Certificates (PEM) that the API is checked against; unset: the system's."""
    unknown_statuses: Statuses = frozenset({500, 502, 504})
    """Answers after which the customer may exist: never sent again blindly; one named here means "not now" no more."""
    retry_statuses: Statuses = frozenset({408, 429, 503})
    """Answers that mean "not now": sent again later; one named here is unknown no more."""

    @model_validator(mode="after")
    def _apart(self) -> "Api":
        both = sorted(self._named("unknown_statuses") & self._named("retry_statuses"))
        if both:
            raise ValueError(f"WORKER_API__UNKNOWN_STATUSES and WORKER_API__RETRY_STATUSES both name {both[0]}")
        return self

    @property
    def unknown(self) -> frozenset[int]:
        """The unknown ones, less what is named as "not now"."""
        return self.unknown_statuses - self._named("retry_statuses")

    @property
    def not_now(self) -> frozenset[int]:
        """Those that mean "not now", less what is named as unknown."""
        return self.retry_statuses - self._named("unknown_statuses")

    @property
    def with_wait(self) -> frozenset[int]:
        """Those of them that are certain only with a Retry-After: a proxy may have lost the call behind the API."""
        return (self.not_now & {503}) - self._named("retry_statuses")

    def _named(self, setting: str) -> frozenset[int]:
        """What somebody has set it to; nothing where it has its default."""
        return getattr(self, setting) if setting in self.model_fields_set else frozenset()
