"""Values as JSON has them: what people expect to see, and nothing lost on the way."""

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
    """Bytes in base64; whatever else JSON has no type for is a text already."""
    try:
        return orjson.dumps(value, default=_text)
    except TypeError as error:
        raise Unreadable(
            f"has no form in JSON: {'nested too deep' if 'ecursion' in str(error) else 'its type'}"
        ) from None


def decimal_text(unscaled: bytes, scale: int) -> str:
    """With that many places, and every digit. ValueError for too many: a megabyte takes minutes."""
    if len(unscaled) > MAX_DECIMAL or abs(scale) > MAX_SCALE:
        raise ValueError(f"a decimal of more than {MAX_DECIMAL} bytes or {MAX_SCALE} places")
    number = int.from_bytes(unscaled, "big", signed=True)
    return format(Decimal((int(number < 0), tuple(map(int, str(abs(number)))), -scale)), "f")  # never with an exponent


def of_32_bits(value: float) -> float:
    """As few digits as tell it from every other number of its 32 bits: what its author wrote."""
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
