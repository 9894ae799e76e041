"""The ends of a list, packed into an address: letters that come later do not change the list."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping

PACKED = re.compile(r"[A-Za-z0-9_-]+")
LONGEST = 7_400
"""Characters: a request line may have 8190. A thousand partitions with 2**44 letters each need 7336 of them."""
WIDEST = 64


def pin(ends: Mapping[int, int]) -> str | None:
    """The ends, by partition the first offset that is not in the list, as text; None if it is too long.

    The text is base64 of one byte with the number of bits of an end, and of all ends' bits behind a 1.
    """
    all_ends = [ends.get(number, 0) for number in range(max(ends, default=0) + 1)]
    width = max(1, max(all_ends).bit_length())
    bits = "".join(f"{end:0{width}b}" for end in all_ends)
    packed = int(f"1{bits}", 2).to_bytes(len(bits) // 8 + 1, "big")
    text = urlsafe_b64encode(bytes([width]) + packed).decode().rstrip("=")
    return text if len(text) <= LONGEST else None


def unpinned(text: str) -> dict[int, int] | None:
    """The ends in such a text, without those that are 0; None for any other text."""
    if len(text) > LONGEST or not PACKED.fullmatch(text):
        return None
    try:
        width, *packed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    bits = f"{int.from_bytes(packed, 'big'):b}"[1:]
    if not bits or not 0 < width <= WIDEST or len(bits) % width:
        return None
    all_ends = (int(bits[place : place + width], 2) for place in range(0, len(bits), width))
    return {number: end for number, end in enumerate(all_ends) if end}
