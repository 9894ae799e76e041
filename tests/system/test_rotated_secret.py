"""The API's password changes under a running worker, in a directory that Kubernetes would mount."""

import orjson

from worker.sandbox.api import DEFAULT_USER

JACK = orjson.dumps({"type": "individual", "contactPersons": [{"firstName": "Jack"}]})
# The command with a secrets directory that the test may write to: the real one belongs to root.
WITH_SECRETS = """
import sys
from functools import partial
from pathlib import Path
from worker import cli
from worker.settings import sources as configuration
configuration.load = partial(configuration.load, secrets=Path(sys.argv.pop(1)))
cli.main()
"""


def put(secrets, password, version):
    """Change all files at once, as Kubernetes does: each links into a folder whose link is replaced."""
    folder = secrets / f"..{version}"
    folder.mkdir(parents=True)
    (folder / "WORKER_API__PASSWORD").write_text(f"{password}\n")
    (secrets / "..new").symlink_to(folder.name)
    (secrets / "..new").replace(secrets / "..data")
    link = secrets / "WORKER_API__PASSWORD"
    if not link.exists():
        link.symlink_to("..data/WORKER_API__PASSWORD")


async def test_password_that_is_rotated(world, tmp_path):
    """The old password is refused, which is a hold; once the file is changed the hold ends without a restart."""
    await world.topics()
    sandbox = await world.sandbox(users={DEFAULT_USER: "f1rst-secret"})
    del world.environment["WORKER_API__PASSWORD"]
    put(tmp_path, "f1rst-secret", 1)
    worker = await world._process("-c", WITH_SECRETS, str(tmp_path), "run")
    await world.publish(JACK)
    await worker.until("record.finished", outcome="succeeded")
    sandbox.sessions._users[DEFAULT_USER] = "s3cond-secret"
    sandbox.sessions.expire(DEFAULT_USER)
    await world.publish(JACK)
    await worker.until("hold.started", reason="session_refused")
    put(tmp_path, "s3cond-secret", 2)
    await worker.until("record.finished", 2, outcome="succeeded")
    await worker.until("hold.ended", reason="session_refused")
    assert len(worker.of("session.logged_in")) == 2
    assert await worker.stop() == 0
    assert sandbox.ledger.created == 2
    assert "-secret" not in repr(worker.lines) + repr(worker.text)
