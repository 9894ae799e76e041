"""Whether aiohttp's parts that are written in C are in use: without them each customer takes an eighth more CPU."""

from aiohttp import http_parser, http_writer


def uncompiled() -> str | None:
    """The parts that run in Python instead, for a person; None where there are none."""
    slow = {
        "parser": http_parser.HttpResponseParser is http_parser.HttpResponseParserPy,
        "writer": http_writer._serialize_headers is http_writer._py_serialize_headers,  # noqa: SLF001  told nowhere else
    }
    found = [name for name, in_python in slow.items() if in_python]
    return f"aiohttp's {' and '.join(found)} (AIOHTTP_NO_EXTENSIONS, or a build without a compiler)" if found else None
