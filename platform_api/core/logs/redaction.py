"""Masks secrets in what is logged: those in addresses, and words of our tokens' form wherever they stand."""

import re
from collections.abc import MutableMapping
from typing import Any

MASK = "…"

_TOKEN = re.compile(r"(amt_(?:[a-z]+_)?+)[A-Za-z0-9_-]{6,}")
# The beginning of a path, or of an address in a text; `/apps/shop/webhooks/7/` has no secret.
_START = r"(?:\bhttps?://[^/\s?#\"']+|(?<![\w.~%/-]))/+(?:api/+)?"
_PLACES = re.compile(
    rf"({_START}(?:webhooks/+[^/\s?#\"']+|connect|invite|invitations)/+)(amt_[a-z]+_)?[^/\s?#\"']+", re.IGNORECASE
)
_PATH = re.compile(
    r"^(/+(?:api/+)?(?:webhooks/+[^/]+|connect|invite|invitations)/+)(amt_[a-z]+_)?[^/]+", re.IGNORECASE
)
_PARAMETERS = re.compile(
    r"([?&](?:[a-z_]*token|code|state|ticket|secret|denied|oauth_verifier|signature|key|password)=)[^&\s#\"']+",
    re.IGNORECASE,
)
_RANDOM = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[A-Za-z0-9_-]{20,}")


def mask_secrets(text: str) -> str:
    """Returns a text without the tokens and the secrets of addresses in it."""
    return _PARAMETERS.sub(rf"\1{MASK}", _PLACES.sub(rf"\1\2{MASK}", _TOKEN.sub(rf"\1{MASK}", text)))


def mask_path(path: str) -> str:
    """Returns the path of a request without secrets, also where no address of ours has one, as in a mistyped link.

    A part of the path that mixes small and capital letters and digits, and is long, is taken for one.
    """
    parts = mask_secrets(_PATH.sub(rf"\1\2{MASK}", path)).split("/")
    return "/".join(MASK if _RANDOM.fullmatch(part) else part for part in parts)


def mask_event(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Masks the secrets in the texts of a log line, its traceback included; a processor of structlog."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = mask_secrets(value)
    return event
