"""TLS contexts from PEM files that settings name: which authorities are trusted, and our own client certificate."""

import ssl
from pathlib import Path

from worker.model.errors import SettingsError


def context(
    group: str, ca_file: Path | None, cert_file: Path | None = None, key_file: Path | None = None
) -> ssl.SSLContext:
    """A client's TLS context; without a CA file the system's certificate authorities are trusted.

    `group` is the prefix of the settings' names (`WORKER_KAFKA__`), before CA_FILE, CERT_FILE and KEY_FILE. Raises
    SettingsError, which names the setting that is wrong, and its file.
    """
    _readable(f"{group}CA_FILE", ca_file)
    try:
        made = ssl.create_default_context(cafile=ca_file)
    except (ssl.SSLError, ValueError):
        raise SettingsError(f"{group}CA_FILE: no certificate (PEM) in {ca_file}") from None
    if cert_file:
        _present(made, group, cert_file, key_file)
    return made


def _present(made: ssl.SSLContext, group: str, cert_file: Path, key_file: Path | None) -> None:
    _readable(f"{group}CERT_FILE", cert_file)
    _readable(f"{group}KEY_FILE", key_file)
    try:
        # Without a password OpenSSL would ask for that of an encrypted key on the terminal.
        made.load_cert_chain(cert_file, key_file, password="")
    except (ssl.SSLError, ValueError):
        raise SettingsError(
            f"{group}CERT_FILE: {cert_file} is no certificate (PEM) that fits the unencrypted key in "
            f"{key_file or cert_file} ({group}KEY_FILE)"
        ) from None


def _readable(setting: str, file: Path | None) -> None:
    try:
        if file:
            file.read_bytes()
    except OSError as error:
        raise SettingsError(f"{setting}: {file}: {error.strerror}") from None
