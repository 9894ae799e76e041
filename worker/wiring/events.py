"""What is needed to read records, and to make their results."""

from pathlib import Path

from worker.customer import Configured
from worker.customer.catalog import load_catalog
from worker.events.decode import Decoder
from worker.events.mapping import EventMapping, load_mapping
from worker.events.registered.schema import Readers
from worker.events.results import Results
from worker.settings.settings import Settings


def decoder(
    settings: Settings, catalog: Configured | None, given: EventMapping | None = None, readers: Readers | None = None
) -> Decoder:
    """The decoder of request records; with the settings' mapping unless another one is `given`.

    Without `readers`, values are read as documents, whatever registry their topic has.
    """
    return Decoder(
        catalog=catalog,
        form=settings.api.format,
        max_bytes=settings.events.max_bytes,
        max_depth=settings.events.max_depth,
        departmentalization=settings.customer.departmentalization,
        unknown_elements=settings.customer.unknown_elements,
        mapping=given or mapping(settings),
        readers=readers,
        event_attribute=settings.reconcile.attribute if settings.reconcile.by == "custom_attribute" else None,
    )


def mapping(settings: Settings) -> EventMapping | None:
    """What somebody else's events mean, read from the settings' file, if any; SettingsError where it is broken."""
    return load_mapping(settings.events.mapping) if settings.events.mapping else None


def catalog(settings: Settings) -> Configured | None:
    """The configured values of a file; None without one, and for a live catalog, which needs the API."""
    named = settings.customer.catalog
    return load_catalog(Path(named)) if named and named != "live" else None


def results(settings: Settings) -> Results:
    """The maker of result events and dead letters, with the topics that they go to."""
    topics = settings.topics
    return Results(
        settings.events.source,
        topics.succeeded,
        topics.failed,
        topics.dead_letters,
        settings.kafka.group_id,
        with_payload=settings.dead_letters.payload == "full",
    )
