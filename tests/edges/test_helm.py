"""What Helm renders from the chart; needs `helm`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it ships no types
import pytest
import yaml
from charting import CHART
from rendering import STRIMZI, VALUES, VERSIONS, Objects, helm, render

from worker.console.serve import guarded
from worker.model.errors import SettingsError
from worker.settings.sources import load

# Custom resources, for which Kubernetes itself has no schema.
CUSTOM = {"PodMonitor", "ServiceMonitor", "PrometheusRule", "ScaledObject", "audit PodMonitor"}


@pytest.fixture(params=VALUES)
def objects(request: pytest.FixtureRequest) -> Objects:
    """All rendered objects, for each file of values."""
    return render(VALUES[request.param])


def pods(objects: Objects) -> list[dict[str, Any]]:
    """The pods of the replicas, of the check, and of the console and the audit where there are any."""
    others = [objects[name] for name in ("console Deployment", "audit Deployment") if name in objects]
    return [objects["StatefulSet"]["spec"]["template"]["spec"], objects["Pod"]["spec"], *map(_pod, others)]


def _pod(deployment: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return pod


def containers(objects: Objects) -> list[dict[str, Any]]:
    """The containers of all pods, with init containers."""
    return [each for pod in pods(objects) for each in [*pod.get("initContainers", []), *pod["containers"]]]


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_lint(values: Sequence[Path]):
    """`helm lint --strict` has no warning."""
    linted = helm("lint", "--strict", CHART, *(argument for file in values for argument in ("--values", file)))
    assert linted.returncode == 0, linted.stdout


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_kubernetes_takes_every_object(values: Sequence[Path], version: str):
    """Each object is valid by Kubernetes' schemas, without unknown fields."""
    checked = set()
    objects = render(values, version=version)
    for kind, document in objects.items():
        if kind not in CUSTOM:
            assert kubernetes_validate.validate(document, version, strict=True) == version
            checked.add(kind)
    assert checked == objects.keys() - CUSTOM
    assert {"StatefulSet", "Service", "ConfigMap", "NetworkPolicy", "PodDisruptionBudget", "ServiceAccount"} <= checked


def test_what_is_optional():
    """Optional parts are off by default, and all there when everything is switched on."""
    console = {"console Deployment", "console Service", "console NetworkPolicy"}
    assert render().keys() & console == set()
    assert render(VALUES["everything"]).keys() & console == console
    assert render().keys() & CUSTOM == set()
    custom = {"PodMonitor", "audit PodMonitor", "PrometheusRule", "ScaledObject"}
    assert render(VALUES["everything"]).keys() & CUSTOM == custom
    assert "ServiceMonitor" in render((), 'monitor.kind="ServiceMonitor"')


def test_the_alerts_find_the_replicas():
    """The scrape job has the name that the alerts look for, whatever the release is called."""
    (endpoint,) = render((), 'monitor.kind="ServiceMonitor"')["ServiceMonitor"]["spec"]["endpoints"]
    assert endpoint["relabelings"] == [{"targetLabel": "job", "replacement": "crm-customer-worker"}]
    (endpoint,) = render(VALUES["everything"])["PodMonitor"]["spec"]["podMetricsEndpoints"]
    assert endpoint["relabelings"] == [{"targetLabel": "job", "replacement": "customer-worker/crm-customers"}]
    groups = render(VALUES["everything"])["PrometheusRule"]["spec"]["groups"]
    assert groups == yaml.safe_load((CHART / "rules.yml").read_text())["groups"] != []


def test_the_worker_takes_the_settings(objects: Objects, tmp_path: Path):
    """The worker accepts the settings in the ConfigMap, with secrets from files."""
    for name, text in {"USERNAME": "apiuser", "PASSWORD": "secret"}.items():
        (tmp_path / f"WORKER_API__{name}").write_text(text)
    settings = load(environment=objects["ConfigMap"]["data"], dotenv=tmp_path / ".env", secrets=tmp_path)
    (port,) = objects["StatefulSet"]["spec"]["template"]["spec"]["containers"][0]["ports"]
    assert settings.ops.port == port["containerPort"]
    assert settings.kafka.group_instance_id == "customer-worker-{ordinal}"


def test_large_numbers_and_lists_arrive_as_they_were_given(tmp_path: Path):
    """Large numbers and lists reach the worker as they were given (a template may write 2097152 as 2.097152e+06)."""
    data = render(VALUES["everything"])["ConfigMap"]["data"]
    settings = load(environment=data, dotenv=tmp_path / ".env", secrets=tmp_path)
    assert settings.events.max_bytes == 2_097_152
    assert settings.api.unknown_statuses == {502, 504}
    assert settings.dispatch.drain_timeout == 45.5
    assert settings.journal.enabled


def test_every_file_that_a_setting_names_is_mounted():
    """Every file that a setting names is mounted, in one directory."""
    objects = render(VALUES["everything"])
    (files,) = (volume for volume in pods(objects)[0]["volumes"] if volume["name"] == "files")
    mounted = {
        f"/etc/customer-worker/{item['path']}"
        for source in files["projected"]["sources"]
        for content in source.values()
        for item in content["items"]
    }
    assert mounted == {text for text in objects["ConfigMap"]["data"].values() if text.startswith("/etc/")}
    assert {"name": "files", "mountPath": "/etc/customer-worker", "readOnly": True} in containers(objects)[0][
        "volumeMounts"
    ]


def test_the_restricted_pod_security_standard(objects: Objects):
    """Pods and containers meet the restricted Pod Security Standard, and can write only to /tmp."""
    for pod in pods(objects):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod.keys() & {"hostNetwork", "hostPID", "hostIPC"} == set()
    for container in containers(objects):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_nothing_of_kubernetes_reaches_the_worker(objects: Objects):
    """Pods get no token of Kubernetes, and no variables made from names of Services, which could look like settings."""
    for pod in pods(objects):
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
    assert objects["ServiceAccount"]["automountServiceAccountToken"] is False


def test_all_that_select_the_replicas_find_them(objects: Objects):
    """All selectors find the replicas; only that of the NetworkPolicy finds the pod that checks."""
    replica = objects["StatefulSet"]["spec"]["template"]["metadata"]["labels"].items()
    check = objects["Pod"]["metadata"]["labels"].items()
    selectors = [
        objects["StatefulSet"]["spec"]["selector"]["matchLabels"],
        objects["Service"]["spec"]["selector"],
        objects["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        objects["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ]
    assert [selector.items() <= replica for selector in selectors] == [True, True, True, True]
    assert [selector.items() <= check for selector in selectors] == [False, False, False, True]


def test_probes():
    """Probes: a replica in a hold is alive and not ready; the Service lists it all the same."""
    objects = render()
    worker = containers(objects)[0]
    asked = [worker[probe]["httpGet"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")]
    assert asked == [{"path": path, "port": "ops"} for path in ("/livez", "/livez", "/readyz")]
    assert objects["Service"]["spec"]["clusterIP"] == "None"
    assert objects["Service"]["spec"]["publishNotReadyAddresses"] is True


@pytest.mark.parametrize(("drain", "grace"), [("40", 60), ("45.5", 66), ("300", 320)])
def test_the_grace_period_follows_the_drain(drain: str, grace: int):
    """The grace period is whole seconds, and never less than the drain plus the margin."""
    template = render((), f"settings.DISPATCH.DRAIN_TIMEOUT={drain}")["StatefulSet"]["spec"]["template"]
    assert template["spec"]["terminationGracePeriodSeconds"] == grace


def test_a_replica_is_its_ordinal():
    """Replicas start all at once, and are replaced one at a time."""
    spec = render((), "rollout.partition=1")["StatefulSet"]["spec"]
    assert spec["podManagementPolicy"] == "Parallel"
    assert spec["updateStrategy"] == {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
    assert spec["replicas"] == 2


def test_a_changed_setting_is_a_new_revision():
    """Pods are replaced for a changed setting, and not for what does not concern them."""

    def template(*settings: str) -> Any:
        return render((), *settings)["StatefulSet"]["spec"]["template"]

    assert template("replicas=3", 'prometheusRule.labels={"a": "b"}') == template()
    assert template('settings.LOG={"LEVEL": "debug"}') != template()


def test_network_policy():
    """The NetworkPolicy allows DNS, the brokers' ports and the API's outwards, and the operations port inwards."""
    spec = render(VALUES["strimzi"], 'settings.API.BASE_URL="http://crm.internal"')["NetworkPolicy"]["spec"]
    kafka = yaml.safe_load(STRIMZI.read_text())["networkPolicy"]["kafka"]["peers"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert spec["ingress"] == [{"ports": [{"protocol": "TCP", "port": "ops"}]}]
    assert spec["egress"] == [
        {"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]},
        {"ports": [{"protocol": "TCP", "port": 9093}], "to": kafka},
        {"ports": [{"protocol": "TCP", "port": 80}]},
    ]


def test_the_ways_to_a_proxy_and_to_a_token_endpoint():
    """With a proxy its port and that of the token endpoint are allowed, not the API's own."""
    rendered = render(
        (),
        'settings.API.BASE_URL="https://crm.example.com"',
        'settings.API.PROXY="http://proxy.internal:3128"',
        'settings.KAFKA.OAUTH_TOKEN_URL="https://login.example.com/token"',
    )
    ports = [[port["port"] for port in rule["ports"]] for rule in rendered["NetworkPolicy"]["spec"]["egress"]]
    assert ports == [[53, 53], [9092], [3128], [443]]


def test_network_policy_of_several_ports():
    """The ports of every broker and of the registry are allowed, or those that are given instead."""
    ports = [
        [port["port"] for port in rule["ports"]]
        for rule in render(VALUES["everything"])["NetworkPolicy"]["spec"]["egress"]
    ]
    assert ports == [[53, 53], [9093, 9094], [8443, 8444], [8081], [4318]]


def test_replicas_that_follow_the_lag():
    """KEDA sets the number of replicas within bounds, by the lag of the worker's group and topic."""
    objects = render(VALUES["everything"])
    scaled = objects["ScaledObject"]["spec"]
    (trigger,) = scaled["triggers"]
    assert "replicas" not in objects["StatefulSet"]["spec"]
    assert scaled["scaleTargetRef"]["name"] == objects["StatefulSet"]["metadata"]["name"]
    assert (scaled["minReplicaCount"], scaled["maxReplicaCount"]) == (2, 8)
    assert trigger["authenticationRef"] == {"name": "customer-worker-kafka"}
    assert trigger["metadata"] == {
        "bootstrapServers": "my-cluster-kafka-bootstrap.kafka:9093,other-kafka:9094",
        "consumerGroup": "customer-worker",
        "topic": "customer.create.requests",
        "lagThreshold": "2000000",
        "offsetResetPolicy": "earliest",
        "allowIdleConsumers": "false",
        "tls": "enable",
        "sasl": "scram_sha512",
    }


CONSOLE = (
    "console.enabled=true",
    'console.secrets=[{"name": "page"}]',
    'settings.CONSOLE={"ALLOWED_HOSTS": ["ops.example.com"]}',
)


def test_the_console_takes_the_settings(tmp_path: Path):
    """The console takes its own settings over the shared ones: it finds all replicas by one name, and refuses to start
    without a token or a trusted proxy.
    """
    objects = render((), *CONSOLE)
    (container,) = objects["console Deployment"]["spec"]["template"]["spec"]["containers"]
    environment = objects["ConfigMap"]["data"] | {each["name"]: each["value"] for each in container["env"]}
    given = load(environment=environment, dotenv=tmp_path / "none", secrets=tmp_path).console
    assert given.workers == (f"{objects['Service']['metadata']['name']}:8080",)
    assert (given.host, given.port) == ("0.0.0.0", 8081)  # noqa: S104  inside a pod, behind its policy
    assert given.rights == {"view"}
    with pytest.raises(SettingsError, match="WORKER_CONSOLE__TOKEN"):
        guarded(given)
    (secret,) = next(
        each
        for each in objects["console Deployment"]["spec"]["template"]["spec"]["volumes"]
        if each["name"] == "secrets"
    )["projected"]["sources"]
    assert secret["secret"]["name"] == "page"


def test_the_console_is_no_replica():
    """The console's pod has a fixed host name, so that no number in it can choose an account."""
    assert render((), *CONSOLE)["console Deployment"]["spec"]["template"]["spec"]["hostname"] == "console"


def test_a_name_that_is_cut():
    """Long names are cut so that Kubernetes accepts every name and label."""
    objects = render((), f'nameOverride="{"a" * 47}--.worker"')
    labels = objects["StatefulSet"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/name"] == "a" * 47
    assert objects["Service"]["metadata"]["name"] == f"crm-{'a' * 46}"


def test_who_reaches_the_console():
    """Nobody reaches the console who is not named; it reaches the replicas, and they admit it."""
    objects = render((), *CONSOLE, "networkPolicy.metricsFrom=[{}]")
    policy, pod = (
        objects["console NetworkPolicy"]["spec"],
        objects["console Deployment"]["spec"]["template"]["metadata"],
    )
    assert policy["ingress"] == []
    assert policy["podSelector"]["matchLabels"].items() <= pod["labels"].items()
    selector = policy["egress"][0]["to"][0]["podSelector"]["matchLabels"]
    assert selector.items() <= objects["StatefulSet"]["spec"]["template"]["metadata"]["labels"].items()
    among = objects["NetworkPolicy"]["spec"]["ingress"][0]["from"]
    assert among[1]["podSelector"]["matchLabels"].items() <= pod["labels"].items()
    everything = render(VALUES["everything"])
    assert everything["console NetworkPolicy"]["spec"]["ingress"][0]["ports"] == [
        {"protocol": "TCP", "port": "console"}
    ]


def test_the_console_s_probes():
    """The console is probed by an allowed host name below its prefix; an old console ends before a new one starts."""
    (container,) = render(VALUES["everything"])["console Deployment"]["spec"]["template"]["spec"]["containers"]
    asked = container["livenessProbe"]["httpGet"]
    assert (asked["path"], asked["httpHeaders"]) == ("/crm/livez", [{"name": "Host", "value": "localhost"}])
    assert render((), *CONSOLE)["console Deployment"]["spec"]["strategy"] == {"type": "Recreate"}
    assert render((), *CONSOLE)["console Service"]["spec"]["ports"][0]["port"] == 8081
