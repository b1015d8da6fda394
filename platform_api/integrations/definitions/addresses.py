"""Checks the addresses in a definition: people are led to some of them, and credentials are sent to others.

Definitions that were stored before this check are still read (`STORED`); who uses an address checks it again.
"""

import re
from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo

from platform_api.integrations.definitions.pagination import STORED

_PLACEHOLDER = re.compile(r"\{[a-z][a-z0-9_]*\}")
# What browsers drop, read as a slash, or would have to guess.
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\xa0\\]|\s")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def check_web_address(address: str) -> str:
    """Returns an absolute address of the web, perhaps with placeholders. Raises ValueError, saying what is wrong."""
    if _FORBIDDEN.search(address):
        raise ValueError("must not hold spaces, backslashes or control characters")
    if not re.match(r"https?://", address, re.IGNORECASE):
        raise ValueError("must be an address that begins with http:// or https://")
    try:
        parts = urlsplit(_PLACEHOLDER.sub("x", address))
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"is no address: {error}") from error
    if "@" in parts.netloc:
        raise ValueError("must not hold a user or a password")
    if not host:
        raise ValueError("must name a host after http:// or https://")
    return address


def check_address_or_path(address: str) -> str:
    """Returns an absolute address, or a path below the base URL. Raises ValueError as `check_web_address` does."""
    if not address.startswith("/") or address.startswith("//"):
        return check_web_address(address)
    if _FORBIDDEN.search(address):
        raise ValueError("must not hold spaces, backslashes or control characters")
    return address


def check_icon(icon: str) -> str:
    """Returns the name of an icon, or its address. Raises ValueError as `check_web_address` does."""
    is_name = not (_SCHEME.match(icon) or icon.startswith("//") or _FORBIDDEN.search(icon))
    return icon if is_name else check_web_address(icon)


def shown(address: str | None, *, check: Callable[[str], str] = check_web_address) -> str | None:
    """Returns an address that people may be led to; None for one that was stored before it was checked."""
    try:
        return None if address is None else check(address)
    except ValueError:
        return None


def _when_new(address: str, info: ValidationInfo) -> str:
    return address if info.context == STORED else check_web_address(address)


def _path_when_new(address: str, info: ValidationInfo) -> str:
    return address if info.context == STORED else check_address_or_path(address)


def _endpoint_when_new(endpoint: str, info: ValidationInfo) -> str:
    if info.context == STORED:
        return endpoint
    if _SCHEME.match(endpoint) or endpoint.startswith("//"):
        return check_web_address(endpoint)
    if _FORBIDDEN.search(endpoint):
        raise ValueError("must not hold spaces, backslashes or control characters")
    return endpoint


def _icon_when_new(icon: str, info: ValidationInfo) -> str:
    return icon if info.context == STORED else check_icon(icon)


_Address = Annotated[str, Field(max_length=250)]
WebAddress = Annotated[_Address, AfterValidator(_when_new)]
"""An absolute address: only http and https, no credentials."""
AddressOrPath = Annotated[_Address, AfterValidator(_path_when_new)]
"""An absolute address, or a path below the base URL."""
Endpoint = Annotated[_Address, AfterValidator(_endpoint_when_new)]
"""What a call takes as its endpoint: a path below the base URL, or an address there."""
Icon = Annotated[str, AfterValidator(_icon_when_new)]
"""The name of an icon, or its address."""
