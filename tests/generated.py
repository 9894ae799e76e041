"""The pages that are written from the code: `python tests/generated.py` writes them, a test compares them."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from worker.customer.table import markdown
from worker.settings.settings import Settings

DOCS: Final = Path(__file__).parents[1] / "deploy/docs"
TITLES: Final = {"api": "API", "ops": "Operations port", "reconcile": "Look-ups"}
"""Of groups whose name is no title."""


def settings_tables() -> str:
    """A heading and a table for each group, one row for each setting."""
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


PARTS: Final[Mapping[str, Callable[[], str]]] = {"settings": settings_tables, "rules": markdown}
"""Page (and its marker, `<!-- page -->` to `<!-- /page -->`) -> what stands there."""


def as_it_should_be(page: str) -> str:
    """That page, with what the code says now between its markers."""
    written = PARTS[page]()
    mark = re.compile(rf"(<!-- {page} -->\n).*?(\n<!-- /{page} -->)", re.DOTALL)
    text, replaced = mark.subn(lambda match: match[1] + written + match[2], (DOCS / f"{page}.md").read_text())
    assert replaced == 1, f"{page}.md has no markers"
    return text


if __name__ == "__main__":
    for each in PARTS:
        (DOCS / f"{each}.md").write_text(as_it_should_be(each))
