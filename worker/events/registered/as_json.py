"""Writes values as JSON in the form that people expect, without losing anything."""

import base64
import struct
from decimal import Decimal
from typing import Final

import orjson

from worker.customer.documents import Unreadable

Value = object

MAX_DECIMAL: Final = 256
MAX_SCALE: Final = 1000


def as_json(value: Value) -> bytes:
    """The value as JSON. Bytes become base64; other types that JSON lacks must be texts already. Raises Unreadable."""
    try:
        return orjson.dumps(value, default=_text)
    except TypeError as error:
        raise Unreadable(
            f"has no form in JSON: {'nested too deep' if 'ecursion' in str(error) else 'its type'}"
        ) from None


def decimal_text(unscaled: bytes, scale: int) -> str:
    """The decimal number as a text with `scale` places, and every digit.

    ValueError for too many of them: a megabyte would take minutes.
    """
    if len(unscaled) > MAX_DECIMAL or abs(scale) > MAX_SCALE:
        raise ValueError(f"a decimal of more than {MAX_DECIMAL} bytes or {MAX_SCALE} places")
    number = int.from_bytes(unscaled, "big", signed=True)
    return format(Decimal((int(number < 0), tuple(map(int, str(abs(number)))), -scale)), "f")  # never with an exponent


def of_32_bits(value: float) -> float:
    """The number with the fewest digits that tell it from all other 32 bit floats: what its author wrote."""
    bits = struct.pack("f", value)
    for places in (6, 7, 8):
        short = float(f"{value:.{places}g}")
        if struct.pack("f", short) == bits:
            return short
    return value


def _text(value: Value) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(type(value).__name__)
