"""What the parts of a definition are made of."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def check_header_name(name: str) -> str:
    """The name. Raises ValueError when it is none."""
    if not _HEADER_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a header name")
    return name


def check_header_value(value: str) -> str:
    """The value. Raises ValueError when it could end its header."""
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError("a header value holds no line breaks or other control characters")
    return value


HeaderName = Annotated[str, AfterValidator(check_header_name)]
HeaderValue = Annotated[str, AfterValidator(check_header_value)]


class Strict(BaseModel):
    """A part that refuses unknown keys and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)
