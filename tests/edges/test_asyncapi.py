"""The AsyncAPI document is read by the official parser (@asyncapi/parser, in Node)."""

import asyncio
import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest
from lacking import lacking, needed
from platformdirs import user_cache_path

from worker import wiring
from worker.events import asyncapi
from worker.settings.kafka import Kafka
from worker.settings.settings import Settings

LOCKED = Path(__file__).parents[1] / "asyncapi_parser"
"""What `npm ci` installs; written by `npm install --package-lock-only --omit-lockfile-registry-resolved`."""
INSTALL_WITHIN, PARSE_WITHIN = 180, 60
CHANNELS = ("requests", "succeeded", "failed", "dead-letters", "journal")
# The parser's numbers for how bad something is.
ERROR, INFORMATION = 0, 2
READ = """
const { Parser } = require("@asyncapi/parser");
const documents = JSON.parse(require("fs").readFileSync(0, "utf8"));
const parsed = documents.map((text) => new Parser().parse(JSON.stringify(text)));
Promise.all(parsed).then((all) => console.log(JSON.stringify(all.map(({ document, diagnostics }) => ({
  diagnostics: diagnostics.map((each) => [each.severity, each.code, each.path.join("."), each.message]),
  channels: document && document.allChannels().all().map((each) => each.address()),
  operations: document && document.allOperations().all().map((each) => [each.id(), each.action()]),
})))));
"""


async def ran(*command: str | Path, within: float, cwd: Path, given: bytes = b"") -> tuple[int | None, str, str]:
    """(exit code, stdout, stderr) of a command, which is killed where it takes too long."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(given), within)
    except TimeoutError:
        process.kill()
        await process.wait()
        return None, "", f"nothing within {within} s"
    return process.returncode, out.decode(), err.decode()


async def parser() -> Path:
    """The folder with the parser, installed once for all checkouts, in exactly the locked versions."""
    needed("node", "nodejs")
    npm = needed("npm", "npm")
    lock = hashlib.sha256((LOCKED / "package-lock.json").read_bytes()).hexdigest()
    kept = user_cache_path("customer-worker") / f"asyncapi-parser-{lock[:16]}"
    if not kept.exists():
        making = kept.with_name(f"{kept.name}.{os.getpid()}")
        shutil.copytree(LOCKED, making)
        options = ("--ignore-scripts", "--no-audit", "--no-fund")
        code, _, err = await ran(npm, "ci", *options, within=INSTALL_WITHIN, cwd=making)
        if code != 0:
            shutil.rmtree(making)
            lacking(f"what {LOCKED.name} locks cannot be installed by npm: {err.strip()[-300:]}")
        making.replace(kept)
    return kept


async def read(*documents: dict[str, Any]) -> list[dict[str, Any]]:
    """What the parser says of each document."""
    code, out, err = await ran(
        "node", "-e", READ, within=PARSE_WITHIN, cwd=await parser(), given=orjson.dumps(documents)
    )
    assert code == 0, err[-2000:]
    answers: list[dict[str, Any]] = orjson.loads(out)
    return answers


def document(**kafka: Any) -> dict[str, Any]:
    """The document that `schema asyncapi` prints with these settings."""
    return asyncapi.asyncapi(*wiring.described(Settings(kafka=Kafka.model_validate(kafka))))


@pytest.mark.timeout(INSTALL_WITHIN + PARSE_WITHIN + 10)
async def test_official_parser():
    """The parser finds no error or warning, and all topics and operations; in a broken document it finds the error."""
    wrong = document()
    del wrong["channels"]["journal"]["address"], wrong["info"]["version"]
    secured = document(security_protocol="SASL_SSL", sasl_mechanism="SCRAM-SHA-512", username="u", password="p")
    token = document(security_protocol="SASL_SSL", sasl_mechanism="OAUTHBEARER", oauth_token_file="token")
    plain, secure, with_token, spoiled = await read(document(), secured, token, wrong)
    for answer in (plain, secure, with_token):
        assert [each for each in answer["diagnostics"] if each[0] < INFORMATION] == []
        assert answer["channels"] == [f"customer.create.{name}" for name in CHANNELS]
        assert {action for _, action in answer["operations"]} == {"send", "receive"}
        assert len(answer["operations"]) == len(document()["operations"])
    assert [ERROR, "info"] in [[severity, path] for severity, _, path, _ in spoiled["diagnostics"]]
