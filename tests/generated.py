"""Parts of the documentation that are made from the code: run this file to write them; a test compares them."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from measured import metrics
from prometheus_client.metrics_core import Metric
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from simulation.faults import MUTANTS
from simulation.faults.below import BELOW, ELSEWHERE
from simulation.mutants import Kept, kept

from worker.counting import counted
from worker.customer.table import markdown
from worker.settings.settings import Settings

DOCS: Final = Path(__file__).parents[1] / "deploy/docs"
TITLES: Final = {"api": "API", "ops": "Operations port", "reconcile": "Look-ups"}
"""Titles of groups whose own name is no good title."""


def settings_tables() -> str:
    """A heading and a table for each group of settings, one row for each setting."""
    return "\n\n".join("\n".join(_group(name, field)) for name, field in Settings.model_fields.items())


def _group(group: str, field: FieldInfo) -> Iterator[str]:
    model = field.annotation
    assert isinstance(model, type)
    assert issubclass(model, BaseModel)
    yield from (
        f"## {TITLES.get(group, group.replace('_', ' ').capitalize())}",
        "",
        "| name | default | |",
        "|---|---|---|",
    )
    for name, setting in model.model_fields.items():
        default = _shown(setting.default)
        code = f"`{default}`" if default else ""
        yield f"| `WORKER_{group}__{name}`".upper() + f" | {code} | {setting.description} |"


def _shown(value: object) -> str:
    match value:
        case None:
            return ""
        case SecretStr():
            return value.get_secret_value()
        case frozenset():
            return ", ".join(map(str, sorted(value)))
        case bool():
            return str(value).lower()
        case tuple():
            return ", ".join(map(str, value))
        case _:
            return f"{value:g}" if isinstance(value, float) else str(value)


def metrics_table() -> str:
    """Each metric under the name that Prometheus reads, with its labels."""
    rows = (f"| `{_scraped(each)}` | {_labels(each)} | {each.documentation} |" for each in metrics())
    return "\n".join(("| metric | labels | |", "|---|---|---|", *rows))


def _scraped(metric: Metric) -> str:
    return f"{metric.name}_total" if metric.type == "counter" else metric.name


def _labels(metric: Metric) -> str:
    names = {name for sample in metric.samples for name in sample.labels} - {"le"}
    return " ".join(f"`{name}`" for name in sorted(names))


def faults_table() -> str:
    """Each fault that the tests put back into the worker, and what finds it."""
    elsewhere = {f"{MUTANTS[name].says} (`{name}`)": test for name, test in ELSEWHERE.items()}
    rows = [
        *((f"{MUTANTS[name].says} (`{name}`)", _story(each)) for name, each in sorted(kept().items())),
        *((says, f"`tests/{file}`, `{test}`") for says, (file, test) in (elsewhere | BELOW).items()),
    ]
    return "\n".join(("| fault | found by |", "|---|---|", *(f"| {says} | {found} |" for says, found in rows)))


def _story(each: Kept) -> str:
    acts = ", ".join(dict.fromkeys(f"`{happening.act}`" for happening in each.story.happenings)) or "nothing but work"
    return f"{acts}; {counted(each.tried, 'seed')}"


PARTS: Final[Mapping[str, tuple[str, Callable[[], str]]]] = {
    "settings": ("settings.md", settings_tables),
    "rules": ("rules.md", markdown),
    "metrics": ("watching.md", metrics_table),
    "faults": ("simulation.md", faults_table),
}
"""By the name of its marker (`<!-- rules -->` to `<!-- /rules -->`): the page, and what makes the text between."""


def as_it_should_be(part: str) -> str:
    """The whole page of that part, with its text made from the code as it is now."""
    page, written = PARTS[part]
    text = written()
    mark = re.compile(rf"(<!-- {part} -->\n).*?(\n<!-- /{part} -->)", re.DOTALL)
    whole, replaced = mark.subn(lambda match: match[1] + text + match[2], (DOCS / page).read_text())
    assert replaced == 1, f"{page} has no markers"
    return whole


if __name__ == "__main__":
    for part, (page, _) in PARTS.items():
        (DOCS / page).write_text(as_it_should_be(part))
