"""The manifests for Strimzi say what the worker itself would do."""

from pathlib import Path
from typing import Any

import yaml
from kafka_rights import documented

from worker.topics import Cluster, Plan, wanted

STRIMZI = Path(__file__).parents[2] / "deploy/strimzi"


def manifests(name: str) -> list[dict[str, Any]]:
    """The documents of a file."""
    return list(yaml.safe_load_all((STRIMZI / name).read_text()))


def test_topics_are_as_the_worker_makes_them():
    """On three brokers; the order is that of the flow."""
    made = [
        {"partitions": spec.partitions, "replicas": spec.replication, "config": dict(spec.config)}
        for spec in wanted(Plan(), Cluster(3, {}))
    ]
    told = [topic["spec"] for topic in manifests("topics.yaml")]
    assert [{**spec, "config": {name: str(value) for name, value in spec["config"].items()}} for spec in told] == made


def test_topics_have_their_names():
    """A name that Kubernetes takes needs no topicName."""
    assert [topic["metadata"]["name"] for topic in manifests("topics.yaml")] == [name for _, name in Plan().names()]


def test_the_user_has_the_rights_of_run():
    """Those of the runbook, by their full names; and what `check` reads of the topics' settings."""
    (user,) = manifests("user.yaml")
    acls = user["spec"]["authorization"]["acls"]
    rights = {
        (operation, acl["resource"]["type"], acl["resource"]["name"]) for acl in acls for operation in acl["operations"]
    }
    run = {
        (right.operation.name, right.kind.name, right.name) for right in documented("run", Plan(), "customer-worker")
    }
    assert rights == run | {("DescribeConfigs", "topic", name) for _, name in Plan().names()}
    assert {acl["resource"]["patternType"] for acl in acls} == {"literal"}


def test_keda_reads_the_lag_as_the_worker():
    """With the very certificates that the worker is given, by the name that its values are to have."""
    (authentication,) = manifests("keda.yaml")
    (values,) = manifests("values.yaml")
    ca, client = values["tls"]["kafkaCa"], values["tls"]["kafkaClient"]
    parts = {part["parameter"]: (part["name"], part["key"]) for part in authentication["spec"]["secretTargetRef"]}
    assert parts == {
        "ca": (ca["secret"], "ca.crt"),
        "cert": (client["secret"], "user.crt"),
        "key": (client["secret"], "user.key"),
    }
    assert f"authentication: {authentication['metadata']['name']}" in (STRIMZI / "keda.yaml").read_text()


def test_all_belong_to_the_same_cluster():
    """One label to change."""
    labels = [each["metadata"]["labels"] for name in ("topics.yaml", "user.yaml") for each in manifests(name)]
    assert labels == [{"strimzi.io/cluster": "my-cluster"}] * 6
