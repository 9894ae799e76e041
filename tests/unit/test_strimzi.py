"""The manifests for Strimzi say what the worker itself would do."""

from pathlib import Path
from typing import Any

import yaml

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


def test_the_user_has_rights_on_the_workers_own_topics_and_group_alone():
    """By their full names, and on nothing of the cluster's."""
    (user,) = manifests("user.yaml")
    rights = {
        (acl["resource"]["type"], acl["resource"]["name"], acl["resource"]["patternType"]): acl["operations"]
        for acl in user["spec"]["authorization"]["acls"]
    }
    assert rights == {
        ("group", "customer-worker", "literal"): ["Read"],
        ("topic", "customer.create.requests", "literal"): ["Read", "DescribeConfigs"],
        ("topic", "customer.create.succeeded", "literal"): ["Write", "DescribeConfigs"],
        ("topic", "customer.create.failed", "literal"): ["Write", "DescribeConfigs"],
        ("topic", "customer.create.dead-letters", "literal"): ["Write", "DescribeConfigs"],
        ("topic", "customer.create.journal", "literal"): ["Read", "Write", "DescribeConfigs"],
    }


def test_all_belong_to_the_same_cluster():
    """One label to change."""
    labels = [each["metadata"]["labels"] for name in ("topics.yaml", "user.yaml") for each in manifests(name)]
    assert labels == [{"strimzi.io/cluster": "my-cluster"}] * 6
