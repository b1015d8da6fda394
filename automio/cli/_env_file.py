"""Reads a `.env`, and changes settings in it without touching its other lines."""

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values, set_key

_PRIVATE = 0o600


def read_settings(file: Path) -> dict[str, str]:
    """Returns the variables of a `.env`; empty when the file does not exist."""
    return {name: value for name, value in dotenv_values(file).items() if value} if file.exists() else {}


def write_settings(file: Path, settings: Mapping[str, str]) -> None:
    """Sets variables in a `.env` and makes it readable by its owner only; other lines do not change."""
    if not file.exists():
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY, _PRIVATE))
    file.chmod(_PRIVATE)
    for name, value in settings.items():
        set_key(file, name, value, quote_mode="auto", follow_symlinks=True)
