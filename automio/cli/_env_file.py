"""Writing settings into a `.env` without touching what else is in it."""

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values, set_key

_PRIVATE = 0o600


def read_settings(file: Path) -> dict[str, str]:
    """The variables of a `.env`; none when there is no such file."""
    return {name: value for name, value in dotenv_values(file).items() if value} if file.exists() else {}


def write_settings(file: Path, settings: Mapping[str, str]) -> None:
    """Sets variables in a `.env`, which only its owner may read; every other line stays as it is."""
    if not file.exists():
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY, _PRIVATE))
    file.chmod(_PRIVATE)
    for name, value in settings.items():
        set_key(file, name, value, quote_mode="auto", follow_symlinks=True)
