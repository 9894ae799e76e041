"""What is typed behind the commands, whichever they are."""

from collections.abc import Iterator
from typing import Any, NamedTuple, get_args, get_type_hints

import pytest
import typer
from typer.testing import CliRunner

from worker.cli import app
from worker.cli.ending import text

NO_TEXT = b"\xff".decode(errors="surrogateescape")
"""As Python hands over an argument that is not UTF-8."""


class Typed(NamedTuple):
    """A parameter of a command; `info` is what typer knows of it."""

    command: tuple[str, ...]
    name: str
    info: Any
    form: str

    def __str__(self) -> str:
        return " ".join((*self.command, self.name))

    @property
    def option(self) -> str | None:
        """As it is typed; None of an argument."""
        if isinstance(self.info, typer.models.ArgumentInfo):
            return None
        named = [each for each in (self.info.default, *(self.info.param_decls or ())) if str(each).startswith("--")]
        return named[0] if named else f"--{self.name.replace('_', '-')}"


def typed(group: typer.Typer, *before: str) -> Iterator[Typed]:
    """All there are."""
    for each in group.registered_commands:
        callback: Any = each.callback
        command = (*before, each.name or callback.__name__.strip("_"))
        for name, form in get_type_hints(callback, include_extras=True).items():
            annotated = form if hasattr(form, "__metadata__") else None
            if annotated is not None:
                yield Typed(command, name, annotated.__metadata__[0], str(get_args(annotated)[0]))
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from typed(inner.typer_instance, *before, *([inner.name] if isinstance(inner.name, str) else []))


NUMBERS = [each for each in typed(app) if "float" in each.form]
TEXTS = [each for each in typed(app) if "str" in each.form and "Literal" not in each.form]


def test_every_text_is_looked_at():
    """By the one parser; paths may be any bytes, and numbers are numbers."""
    assert [str(each) for each in TEXTS if each.info.parser is not text] == []
    assert len(TEXTS) > 20


@pytest.mark.parametrize("which", TEXTS, ids=str)
def test_a_text_that_is_not_utf8(which):
    """The exit code is 2, and the line names what was typed wrongly."""
    before = ["1"] if which.command == ("offsets", "set") else []
    given = [which.option, NO_TEXT] if which.option else [NO_TEXT]
    result = CliRunner().invoke(app, [*which.command, *before, *given], env={"COLUMNS": "200"})
    assert (result.exit_code, "not UTF-8" in result.output) == (2, True)
    assert (which.option or which.name.upper()) in (result.output if which.option else result.output.upper())


def test_more_partitions_than_kafka_can_count():
    """That is said before anything is asked."""
    result = CliRunner().invoke(app, ["topics", "grow", "9999999999"], env={"COLUMNS": "200"})
    assert (result.exit_code, "less than or equal to 1000000" in result.output) == (2, True)


@pytest.mark.parametrize("which", NUMBERS, ids=str)
def test_a_number_that_is_none(which):
    """Neither a rate nor a wait is without end."""
    for given in ("inf", "nan"):
        result = CliRunner().invoke(app, [*which.command, which.option, given], env={"COLUMNS": "200"})
        assert (result.exit_code, which.option in result.output) == (2, True)
