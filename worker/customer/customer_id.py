"""What the id of a customer looks like, whoever tells it: the API, or a person."""

import re
from typing import Final

# All examples hold digits; without any digit it would be a word of the path, as `customer` in `/customer/`.
CUSTOMER_ID: Final = r"(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{1,64}"
_ID = re.compile(CUSTOMER_ID)


def usable_id(value: object) -> bool:
    """Whether the value is a customer's id; an int counts as its digits."""
    return isinstance(value, str | int) and not isinstance(value, bool) and _ID.fullmatch(str(value)) is not None
