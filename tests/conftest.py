"""What tests of any distance share."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, MutableMapping
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
import structlog
from secured import SecuredKafka, secured_kafka
from structlog.testing import capture_logs

from worker import app
from worker.creation import holds as hold
from worker.sandbox.local_kafka import LocalKafka

KAFKA = "WORKER_TEST_KAFKA"
OF_A_TERMINAL = {"COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"}
"""What somebody likes for terminals, and what is printed here is no terminal's."""
_started = pytest.StashKey[LocalKafka]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Whoever runs the tests changes nothing by variables or an `.env` of his own.

    With several test processes, the first one starts the Kafka that all of them use.
    """
    for name in [*os.environ]:
        if name in OF_A_TERMINAL or (name.startswith("WORKER_") and not name.startswith("WORKER_TEST_")):
            del os.environ[name]
    if not getattr(session.config.option, "numprocesses", None):
        os.chdir(session.config._tmp_path_factory.mktemp("elsewhere"))  # type: ignore[attr-defined]  # told in fixtures alone
    elif KAFKA not in os.environ:
        local = LocalKafka()
        session.config.stash[_started] = local
        asyncio.run(local.start())
        os.environ[KAFKA] = local.bootstrap_servers


def pytest_unconfigure(config: pytest.Config) -> None:
    """It ends with the run."""
    if local := config.stash.get(_started, None):
        asyncio.run(local.close())


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What the tests of a module share is made once: one process runs them all."""
    for item in items:
        fixtures = item._fixtureinfo.name2fixturedefs.values() if isinstance(item, pytest.Function) else ()
        if any(definition.scope == "module" for definitions in fixtures for definition in definitions):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """The bootstrap servers of the one Kafka of this run, or of the one that WORKER_TEST_KAFKA names."""
    if named := os.environ.get(KAFKA):
        yield named
        return
    local = LocalKafka()
    try:
        asyncio.run(local.start())
        yield local.bootstrap_servers
    finally:
        asyncio.run(local.close())


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[MutableMapping[str, Any]]]:
    """The lines that modules log by their own `log`, also after another test has configured the logs."""
    for module in (app, hold):
        monkeypatch.setattr(module, "log", structlog.get_logger())
    with capture_logs() as lines:
        yield lines


@pytest.fixture
def unique() -> str:
    """A prefix for the names of topics and groups, so that no two tests meet."""
    return f"t-{uuid4().hex[:12]}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def secured(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SecuredKafka]:
    """For tests that share one event loop, as the broker is shared."""
    async with secured_kafka(tmp_path_factory.mktemp("secured")) as kafka:
        yield kafka
