"""Cleans values and texts from a jail, so that PostgreSQL can store them."""

import json
from typing import Any

from sandbox_runner.errors import SandboxError


class ResultRefused(SandboxError):
    """Reports that the value that a jail reported is not JSON."""


def clean_result(text: object) -> Any:
    """Returns the value of a result's JSON text, without characters that PostgreSQL cannot store."""
    try:
        return _clean(json.loads(text if isinstance(text, str) else "null", parse_constant=_refuse))
    except (ValueError, RecursionError) as error:
        raise ResultRefused("the reported value is not JSON") from error


def clean_text(text: str) -> str:
    """Returns the text without zero characters and unpaired surrogates."""
    return text.encode(errors="replace").decode().replace("\0", "\ufffd")


def _clean(value: Any) -> Any:
    match value:
        case str():
            return clean_text(value)
        case list():
            return [_clean(item) for item in value]
        case dict():
            return {clean_text(key): _clean(item) for key, item in value.items()}
    return value


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")
