"""Fixtures and set-up for all tests."""

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
"""Variables about the user's terminal: what tests print goes to none."""
_started = pytest.StashKey[LocalKafka]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Remove the variables that would change what is tested, and leave a folder that may hold an `.env`.

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
    """End that Kafka with the run."""
    if local := config.stash.get(_started, None):
        asyncio.run(local.close())


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of a module that share a fixture to one test process, so that it is made once."""
    for item in items:
        fixtures = item._fixtureinfo.name2fixturedefs.values() if isinstance(item, pytest.Function) else ()
        if any(definition.scope == "module" for definitions in fixtures for definition in definitions):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """The bootstrap servers of this run's one Kafka, or of the one that WORKER_TEST_KAFKA names."""
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
    """The lines that `app` and `hold` log, even where another test has configured logging."""
    for module in (app, hold):
        monkeypatch.setattr(module, "log", structlog.get_logger())
    with capture_logs() as lines:
        yield lines


@pytest.fixture
def unique() -> str:
    """A prefix for names of topics and groups that no other test uses."""
    return f"t-{uuid4().hex[:12]}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def secured(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SecuredKafka]:
    """A secured Kafka for a module; its tests share one event loop as well."""
    async with secured_kafka(tmp_path_factory.mktemp("secured")) as kafka:
        yield kafka
