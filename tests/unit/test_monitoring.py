import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from lacking import needed
from measured import Worker, audit

from worker.creation.holds import HoldReason
from worker.ops.audit import AuditPages
from worker.ops.metrics import PREFIX, registry_of
from worker.ops.state import Bound

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = yaml.safe_load((DEPLOY / "prometheus/customer-worker.rules.yml").read_text())["groups"][0]["rules"]
TESTS = yaml.safe_load((DEPLOY / "prometheus/customer-worker.rules.test.yml").read_text())["tests"]
DASHBOARD = json.loads((DEPLOY / "grafana/dashboards/customer-worker.json").read_text())
RUNBOOK = (DEPLOY / "docs/operations.md").read_text()
ALERTS = {rule["alert"]: rule for rule in RULES}


def samples() -> dict[str, list[dict[str, str]]]:
    """By the name of a series: the labels of each."""
    found: dict[str, list[dict[str, str]]] = {}
    for registry in (registry_of(Worker()), AuditPages(audit).registry):
        for sample in (each for family in registry.collect() for each in family.samples):
            found.setdefault(sample.name, []).append(sample.labels)
    return found


SERIES = samples()
OWN_OF_THE_SCRAPE = {"job", "namespace", "instance"}


def queries(tree: Any) -> Iterator[str]:
    """Every query of the dashboard, those of its variables included."""
    for panel in tree["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    for variable in tree["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["definition"]


EXPRESSIONS = [rule["expr"] for rule in RULES] + list(queries(DASHBOARD))


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_metrics_that_exist(expression: str) -> None:
    """Whatever is asked of Prometheus is a series that the worker has, with labels and values that it gives."""
    named = re.findall(rf"\b((?:{PREFIX}|process)_\w+)(?:\{{([^}}]*)\}})?", expression)
    assert named or "up{" in expression
    for name, selected in named:
        assert name in SERIES
        for label, operator, value in re.findall(r'(\w+)(=~|!=|=)"([^"]*)"', selected):
            if label not in OWN_OF_THE_SCRAPE:
                assert operator == "!=" or value in {labels[label] for labels in SERIES[name]}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_labels_that_exist(expression: str) -> None:
    """What is summed by is a label of that series, or one that the scrape gives it."""
    known = OWN_OF_THE_SCRAPE | {label for labels in SERIES.values() for each in labels for label in each}
    for grouped in re.findall(r"\b(?:by|on) \(([^)]*)\)", expression):
        assert set(grouped.split(", ")) <= known


def test_series_that_nobody_looks_at() -> None:
    """Everything that the worker tells of itself is on the dashboard."""
    own = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in SERIES if name.startswith(PREFIX)}
    shown = " ".join(queries(DASHBOARD))
    assert {name for name in own if name not in shown} == set()


@pytest.mark.parametrize("alert", ALERTS)
def test_alert_with_advice(alert: str) -> None:
    """Whoever is woken finds a section of that name, says who wrote the alert: and it is there."""
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["runbook_url"] == f"deploy/docs/operations.md#{alert.lower()}"
    assert f"\n### {alert}\n" in RUNBOOK


def test_advice_on_alerts_that_exist() -> None:
    """The runbook explains no alert that nobody gets."""
    assert set(re.findall(r"^### (CustomerWorker\w+)$", RUNBOOK, re.MULTILINE)) == set(ALERTS)


@pytest.mark.parametrize("reason", HoldReason)
def test_hold_with_advice(reason: HoldReason) -> None:
    """Every reason to hold has a section in the runbook."""
    assert f"\n### `{reason.value}`\n" in RUNBOOK


@pytest.mark.parametrize("bound", get_args(Bound))
def test_bound_with_advice(bound: str) -> None:
    """Whatever `/status` says that it is bound by, a page says what would lift that."""
    page = (DEPLOY / "docs/sizing.md").read_text()
    assert re.search(rf"^\|[^|]*`{bound}`[^|]*\|", page, re.MULTILINE)


@pytest.mark.parametrize("alert", ALERTS)
def test_tested_alert(alert: str) -> None:
    """Each is seen both to come and to stay away (promtool runs these tests)."""
    looks = [look for test in TESTS for look in test["alert_rule_test"] if look["alertname"] == alert]
    assert any(look.get("exp_alerts") for look in looks)
    assert any(not look.get("exp_alerts") for look in looks)


def test_dashboard_is_provisioned() -> None:
    """Panels ask the data source that is provisioned, and none hides another."""
    sources = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"]
    chosen = DASHBOARD["templating"]["list"][0]
    assert (chosen["type"], chosen["current"]["value"]) == ("datasource", sources[0]["uid"])
    shown = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
    assert all(panel["datasource"]["uid"] == "${datasource}" and panel["description"] for panel in shown)
    places = [
        (column, line)
        for panel in DASHBOARD["panels"]
        for column in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for line in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(places) == len(set(places))
    assert max(column for column, _ in places) < 24
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_by_prometheus() -> None:
    """Its own tool finds every rule right, and every alert coming when it should."""
    promtool = needed("promtool", "prometheus")
    for arguments in (["check", "config", "prometheus.yml"], ["test", "rules", "customer-worker.rules.test.yml"]):
        done = subprocess.run([promtool, *arguments], cwd=DEPLOY / "prometheus", capture_output=True, check=False)
        assert done.returncode == 0, done.stdout
