"""Renders the chart with Helm; without helm the modules that import this are skipped."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from charting import CHART
from patience import PATIENCE

HELM = os.environ.get("WORKER_TEST_HELM") or shutil.which("helm") or ""
GET = (
    "no helm: put one on the path or name it in WORKER_TEST_HELM; with Go: "
    "GOBIN=/tmp/helm go install helm.sh/helm/v3/cmd/helm@latest && export WORKER_TEST_HELM=/tmp/helm/helm"
)
if not HELM:
    pytest.skip(GET, allow_module_level=True)

# An old version of Kubernetes that is still in use, and the newest whose schemas are known.
VERSIONS = ("1.30", "1.37")
STRIMZI = CHART.parents[1] / "strimzi/values.yaml"
VALUES = {"defaults": (), "everything": (CHART / "ci/everything-values.yaml",), "strimzi": (STRIMZI,)}

Objects = dict[str, dict[str, Any]]


def helm(command: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run helm; the caller looks at the exit code."""
    return subprocess.run(
        [HELM, command, *map(str, arguments)], capture_output=True, text=True, timeout=PATIENCE, check=False
    )


@cache
def render(values: Sequence[Path] = (), *settings: str, version: str = VERSIONS[-1]) -> Objects:
    """Kind -> object; those of console and audit are under `console Kind` and `audit Kind`."""
    files = [argument for file in values for argument in ("--values", file)]
    made = helm("template", "crm", CHART, "--kube-version", version, *files, *_given(settings))
    assert made.returncode == 0, made.stderr
    return {_name(document): document for document in yaml.safe_load_all(made.stdout) if document}


def _name(document: dict[str, Any]) -> str:
    of = document["metadata"]["labels"].get("app.kubernetes.io/component")
    return f"{of} {document['kind']}" if of in {"console", "audit"} else str(document["kind"])


def refusal(*settings: str) -> list[str]:
    """The lines in which the chart refuses these values, without Helm's own."""
    made = helm("template", "crm", CHART, "--kube-version", VERSIONS[-1], *_given(settings))
    assert made.returncode == 1, made.stdout
    return [line for line in made.stderr.splitlines() if line and not line.startswith(("Error:", "Use --debug"))]


def _given(settings: Sequence[str]) -> list[str]:
    return [argument for setting in settings for argument in ("--set-json", setting)]
