"""Values as JSON has them: what people expect to see, and nothing lost on the way."""

import base64
import struct
from decimal import Decimal
from typing import Final
from uuid import UUID

import orjson

from worker.customer.documents import Unreadable

Value = object

MAX_DECIMAL: Final = 256
MAX_SCALE: Final = 1000
_OPTIONS: Final = orjson.OPT_UTC_Z
"""An instant ends in Z."""


def as_json(value: Value) -> bytes:
    """Dates and times as ISO 8601, a decimal with all its digits and bytes in base64: texts, all of them."""
    try:
        return orjson.dumps(value, default=_text, option=_OPTIONS)
    except TypeError as error:
        raise Unreadable(
            f"has no form in JSON: {'nested too deep' if 'ecursion' in str(error) else 'its type'}"
        ) from None


def decimal_of(unscaled: bytes, scale: int) -> Decimal:
    """With that many places, and every digit. ValueError for too many: a megabyte takes minutes."""
    if len(unscaled) > MAX_DECIMAL or abs(scale) > MAX_SCALE:
        raise ValueError(f"a decimal of more than {MAX_DECIMAL} bytes or {MAX_SCALE} places")
    number = int.from_bytes(unscaled, "big", signed=True)
    return Decimal((int(number < 0), tuple(map(int, str(abs(number)))), -scale))


def of_32_bits(value: float) -> float:
    """As few digits as tell it from every other number of its 32 bits: what its author wrote."""
    bits = struct.pack("f", value)
    for places in (6, 7, 8):
        short = float(f"{value:.{places}g}")
        if struct.pack("f", short) == bits:
            return short
    return value


def _text(value: Value) -> str:
    match value:
        case Decimal():
            return format(value, "f")  # never with an exponent
        case bytes():
            return base64.b64encode(value).decode()
        case UUID():
            return str(value)
        case _:
            raise TypeError(type(value).__name__)
