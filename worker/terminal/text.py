"""Output of the commands to a person's terminal: no text that somebody else wrote can act on the terminal."""

from collections.abc import Callable

import orjson
import typer

REPLACED = "\N{REPLACEMENT CHARACTER}"


def plain(text: str) -> str:
    """The text in one line; a character that is not printable, or changes how others are shown, is replaced."""
    return text if text.isprintable() else _mapped(text, lambda _: REPLACED)


def lines(text: str) -> str:
    """The text with the characters that `plain` replaces replaced, but with its line ends and tabs."""
    return _mapped(text, lambda character: character if character in "\n\t" else REPLACED)


def escaped(document: str) -> str:
    """The JSON document, which may have several lines, with each such character as `\\uXXXX`."""
    return _mapped(document, lambda character: character if character == "\n" else _as_json(character))


def document(told: object) -> str:
    """The value as a JSON document in one line."""
    return escaped(orjson.dumps(told, default=str).decode())


def say(text: str, *, err: bool = False) -> None:
    """Print the text with its line ends, on stdout or on stderr."""
    typer.echo(lines(text), err=err)


def _mapped(text: str, replaced: Callable[[str], str]) -> str:
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else replaced(character) for character in text)


def _as_json(character: str) -> str:
    """The character as JSON's `\\uXXXX`; characters beyond 16 bits become two of these."""
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
