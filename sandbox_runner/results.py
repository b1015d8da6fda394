"""Values and texts that come out of a jail, made fit for storing: valid JSON that PostgreSQL takes."""

import json
from typing import Any

from sandbox_runner.errors import SandboxError


class ResultRefused(SandboxError):
    """The value a jail reported is no JSON."""


def clean_result(text: object) -> Any:
    """The value behind a result's JSON text, without characters that PostgreSQL cannot store."""
    try:
        return _clean(json.loads(text if isinstance(text, str) else "null", parse_constant=_refuse))
    except (ValueError, RecursionError) as error:
        raise ResultRefused("the reported value is not JSON") from error


def clean_text(text: str) -> str:
    """Text with neither zero characters nor half surrogate pairs."""
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
