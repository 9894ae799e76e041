"""Values that the chart refuses to render."""

import pytest
from rendering import refusal, render

SESSIONS = (
    "{}: 6, but the API allows a user five sessions, one for each replica: "
    "list several users in WORKER_API__ACCOUNTS of the secret and set accounts to their number"
)
IDLE = "{}: {}, but settings.TOPICS.PARTITIONS is {}, and a replica beyond the partitions gets nothing to do"
AUTHENTICATION = (
    "autoscaling.authentication: required with SECURITY_PROTOCOL SSL, since KEDA reads the lag from Kafka too"
)
OF_THE_WORKER = (
    "extraEnv: WORKER_API__PASSWORD is a setting of the worker: it belongs in settings, a password in secrets"
)
KEDA = "autoscaling.enabled=true"
NAME = "fullnameOverride: a Service cannot be called {}; small letters, digits and hyphens, a letter first"


@pytest.mark.parametrize(
    ("settings", "lines"),
    [
        (['fullnameOverride="crm.prod"'], [NAME.format("crm.prod")]),
        (['fullnameOverride="4crm"'], [NAME.format("4crm")]),
        (["replicas=6"], [SESSIONS.format("replicas")]),
        ([KEDA, "autoscaling.maxReplicas=6"], [SESSIONS.format("autoscaling.maxReplicas")]),
        (["replicas=5", "settings.TOPICS.PARTITIONS=4"], [IDLE.format("replicas", 5, 4)]),
        (["accounts=9", "replicas=7"], [IDLE.format("replicas", 7, 6)]),
        ([KEDA, "accounts=9", "autoscaling.maxReplicas=8"], [IDLE.format("autoscaling.maxReplicas", 8, 6)]),
        (["accounts=2", "replicas=3"], ["replicas: 3, but accounts is 2, and replica N takes account N"]),
        ([KEDA, "autoscaling.minReplicas=5"], ["autoscaling.minReplicas: 5 is more than maxReplicas 4"]),
        (
            [KEDA, 'settings.KAFKA.SECURITY_PROTOCOL="SSL"'],
            [AUTHENTICATION],
        ),
        (["settings.OPS.PORT=0"], ["settings.OPS.PORT: 0 is a port that nobody knows, and the probes need one"]),
        (
            ['settings.OPS.HOST="127.0.0.1"'],
            ["settings.OPS.HOST: at 127.0.0.1 neither probes nor Prometheus reach it; 0.0.0.0, or :: for IPv6"],
        ),
        (
            ['extraEnv=[{"name": "WORKER_API__PASSWORD", "value": "x"}]'],
            [OF_THE_WORKER],
        ),
        (
            ['tls.kafkaCa.secret="ca"', 'settings.KAFKA.CA_FILE="/ca.crt"'],
            [
                "tls: certificates for Kafka, but settings.KAFKA.SECURITY_PROTOCOL is PLAINTEXT; SSL or SASL_SSL",
                "settings.KAFKA.CA_FILE: follows from tls.kafkaCa, give one of them",
            ],
        ),
        (['tls.apiCa={"secret": "a", "configMap": "b"}'], ["tls.apiCa: a secret or a configMap, not both"]),
        (
            [
                'tls.apiClient.secret="c"',
                'settings.API.CERT_FILE="/c.crt"',
                'tls.proxyCa.secret="p"',
                'settings.API.PROXY_CA_FILE="/p.crt"',
                'tls.registryCa.secret="r"',
                'settings.EVENTS={"REGISTRY_URL": "https://r", "REGISTRY_CA_FILE": "/r.crt"}',
            ],
            [
                "settings.API.CERT_FILE: follows from tls.apiClient, give one of them",
                "settings.API.PROXY_CA_FILE: follows from tls.proxyCa, give one of them",
                "settings.EVENTS.REGISTRY_CA_FILE: follows from tls.registryCa, give one of them",
            ],
        ),
        (
            ['catalog.configMap="c"', 'settings.CUSTOMER={"CATALOG": "live"}'],
            ["settings.CUSTOMER.CATALOG: follows from catalog.configMap, give one of them"],
        ),
        (
            ['mapping.configMap="m"', 'settings.EVENTS={"MAPPING": "/m.toml"}'],
            ["settings.EVENTS.MAPPING: follows from mapping.configMap, give one of them"],
        ),
        (
            ["console.enabled=true", 'settings.CONSOLE={"WORKERS": ["a:1"]}'],
            [
                "settings.CONSOLE.ALLOWED_HOSTS: required with console.enabled: the names by which browsers call it",
                "console.secrets: one with WORKER_CONSOLE__TOKEN is required, or settings.CONSOLE.PROXY_USER_HEADER",
                "settings.CONSOLE.WORKERS: follows from the chart",
            ],
        ),
    ],
)
def test_what_cannot_work_is_refused(settings: list[str], lines: list[str]):
    """Each wrong value has one line that says what is wrong."""
    assert refusal(*settings) == lines


def test_as_many_replicas_as_can_work():
    """As many replicas as there are sessions, accounts and partitions are rendered."""
    assert render((), "replicas=5")["StatefulSet"]["spec"]["replicas"] == 5
    assert render((), "replicas=6", "accounts=6")["StatefulSet"]["spec"]["replicas"] == 6


def test_a_secret_among_the_settings():
    """A secret among the settings is refused by name, and its value is not repeated."""
    told = refusal('settings.API.PASSWORD="in plain sight"')
    assert told == ["customer-worker:", "- at '/settings/API': additional properties 'PASSWORD' not allowed"]
