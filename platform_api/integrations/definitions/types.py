"""Defines the types that the parts of a definition share."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def check_header_name(name: str) -> str:
    """Returns the name. Raises ValueError when it is not a header name."""
    if not _HEADER_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a header name")
    return name


def check_header_value(value: str) -> str:
    """Returns the value. Raises ValueError when it could end its header."""
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError("a header value must not hold line breaks or other control characters")
    return value


HeaderName = Annotated[str, AfterValidator(check_header_name)]
HeaderValue = Annotated[str, AfterValidator(check_header_value)]


class Strict(BaseModel):
    """Rejects unknown keys, and cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)
