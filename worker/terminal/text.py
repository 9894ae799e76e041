"""The one way from our commands to a person's screen: no text that somebody else wrote can act on the terminal."""

from collections.abc import Callable

import orjson
import typer

REPLACED = "\N{REPLACEMENT CHARACTER}"


def plain(text: str) -> str:
    """A text in one line: what is not shown as a character, or changes how others are shown, is replaced."""
    return text if text.isprintable() else _mapped(text, lambda _: REPLACED)


def lines(text: str) -> str:
    """As `plain`, with the ends of lines and the tabs that stand in it."""
    return _mapped(text, lambda character: character if character in "\n\t" else REPLACED)


def escaped(document: str) -> str:
    """The same JSON document, which may have several lines, with every such character as `\\uXXXX`."""
    return _mapped(document, lambda character: character if character == "\n" else _as_json(character))


def document(told: object) -> str:
    """A JSON document in one line."""
    return escaped(orjson.dumps(told, default=str).decode())


def say(text: str, *, err: bool = False) -> None:
    """Print it, lines and all, on stdout, or on stderr."""
    typer.echo(lines(text), err=err)


def _mapped(text: str, replaced: Callable[[str], str]) -> str:
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else replaced(character) for character in text)


def _as_json(character: str) -> str:
    """orjson has escaped what JSON wants escaped; characters beyond 16 bits are written as two."""
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
