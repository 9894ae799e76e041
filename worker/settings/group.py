"""What every group of settings has in common."""

import re

from pydantic import BaseModel, ConfigDict, SecretStr, field_validator

_IN_NO_LINE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
"""Control characters, which neither a header nor the first line of a request may hold, and bytes that are no UTF-8."""


class Group(BaseModel):
    """A group of settings; an unknown name is an error, and so is a text of more than one line."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, validate_default=True)

    @field_validator("*")
    @classmethod
    def _of_one_line(cls, value: object) -> object:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if isinstance(text, str) and _IN_NO_LINE.search(text):
            raise ValueError("must be one line of UTF-8: it holds a line break, perhaps at its end, or the like")
        return value
