"""The API over TLS with an authority from a file: a right certificate, and each kind of wrong one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import trustme
from patience import PATIENCE
from proxying import behind_tls

from worker.customer_api import Access, Credentials, customer_api
from worker.model.commands import CreateCustomer, Request, Traits
from worker.model.errors import ApiUnavailable, SettingsError
from worker.model.outcomes import Succeeded
from worker.sandbox.api import DEFAULT_PASSWORD, DEFAULT_USER, sandbox_api

JACK = CreateCustomer(
    Request("urn:crm", "17"),
    Traits("individual"),
    orjson.dumps({"type": {"value": "individual"}, "contactPersons": {"contactPerson": [{"firstName": "Jack"}]}}),
)
OURS, OTHERS = trustme.CA(), trustme.CA()
YESTERDAY = datetime.now(UTC) - timedelta(days=1)


@asynccontextmanager
async def api_at(certificate: trustme.LeafCert, ca_file: Path | None, scheme: str = "https") -> AsyncIterator[Any]:
    """(client, sandbox) with TLS between them; `scheme` is the one in the client's address."""
    async with sandbox_api() as sandbox, behind_tls(int(sandbox.base_url.rpartition(":")[2]), certificate) as port:
        access = Access(
            f"{scheme}://localhost:{port}", ca_file=ca_file, connect_timeout=PATIENCE, request_timeout=PATIENCE
        )
        async with customer_api(access, Credentials(DEFAULT_USER, DEFAULT_PASSWORD)) as api:
            yield api, sandbox


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    """The file of the authority that the settings name."""
    OURS.cert_pem.write_to_path(tmp_path / "ca.pem")
    return tmp_path / "ca.pem"


async def test_known_authority(ca_file):
    """With a certificate of the named authority login, creation and log-out succeed."""
    async with api_at(OURS.issue_cert("localhost"), ca_file) as (api, sandbox):
        assert isinstance(await api.create(JACK), Succeeded)
        await api.log_out()
        assert (sandbox.ledger.created, sandbox.state.summary()["executions"]) == (1, 1)


@pytest.mark.parametrize(
    ("certificate", "told"),
    [
        (
            OTHERS.issue_cert("localhost"),
            r"(self-signed|unable to get local issuer) certificate.* \(see WORKER_API__CA_FILE\)",
        ),
        (OURS.issue_cert("crm.example.com"), r"Hostname mismatch.*'localhost' \(see WORKER_API__BASE_URL\)"),
        (OURS.issue_cert("localhost", not_after=YESTERDAY), r"certificate has expired \(see WORKER_API__CA_FILE\)"),
    ],
    ids=["authority", "host", "expired"],
)
async def test_wrong_certificate(ca_file, certificate, told):
    """With a wrong certificate nothing is sent, and one line says why and names the setting."""
    async with api_at(certificate, ca_file) as (api, sandbox):
        with pytest.raises(ApiUnavailable, match=rf"^cannot reach https://localhost:\d+: TLS: {told}$"):
            await api.create(JACK)
        assert sandbox.state.summary()["calls"] == 0


async def test_unnamed_authority():
    """Without a file only the system's authorities count: a certificate of a private one is refused."""
    async with api_at(OURS.issue_cert("localhost"), None) as (api, _):
        with pytest.raises(
            ApiUnavailable, match=r"unable to get local issuer certificate \(see WORKER_API__CA_FILE\)$"
        ):
            await api.create(JACK)


async def test_plain_text_where_tls_is_expected(ca_file):
    """`https` to a port that speaks plain HTTP: nothing was sent, and the line names the setting."""
    async with sandbox_api() as sandbox:
        access = Access(sandbox.base_url.replace("http:", "https:"), ca_file=ca_file, connect_timeout=PATIENCE)
        async with customer_api(access, Credentials(DEFAULT_USER, DEFAULT_PASSWORD)) as api:
            with pytest.raises(ApiUnavailable, match=r"TLS: .* \(see WORKER_API__BASE_URL\)$"):
                await api.create(JACK)


async def test_tls_where_plain_text_is_expected(ca_file):
    """`http` to a port that speaks TLS: the login gets no answer, so that no creation is sent."""
    async with api_at(OURS.issue_cert("localhost"), ca_file, scheme="http") as (api, sandbox):
        with pytest.raises(ApiUnavailable, match=r"^login: no answer from http://localhost:\d+"):
            await api.create(JACK)
        assert sandbox.state.summary()["calls"] == 0


@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"])
async def test_file_that_holds_no_certificate(tmp_path, content):
    """A file without a certificate: the worker does not start, and names the setting and the file."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=f"^WORKER_API__CA_FILE.*{file}") as raised:
        async with customer_api(Access("https://localhost", ca_file=file), Credentials("u", "p")):
            pass
    assert "\n" not in str(raised.value)
