"""Fills in the fields of webhooks of well-known services, by the service's name (`presets.json`)."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import orjson

PRESETS: Mapping[str, Mapping[str, Any]] = orjson.loads(files(__package__).joinpath("presets.json").read_bytes())


def filled_in(data: Any) -> Any:
    """Returns a request with the fields of its preset where it gives none of its own. Raises ValueError.

    Single fields of `verification` may be given: `{"preset": "discord", "verification": {"public_keys": […]}}`.
    """
    if not isinstance(data, dict) or data.get("preset") is None:
        return data
    if data["preset"] in _CERTIFIED:
        raise ValueError(
            f"preset: {data['preset']} signs with certificates of its own, which this platform does not fetch;"
            " leave the preset out (the address is then the secret), and let the script ask the service"
        )
    preset = PRESETS.get(data["preset"]) if isinstance(data["preset"], str) else None
    if preset is None:
        raise ValueError(f"preset: {data['preset']!r} is not known; use one of {', '.join(sorted(PRESETS))}")
    merged = {**preset, **data}
    # A delivery's id has one place: that of the request, if it gives one.
    if any(data.get(name) is not None for name in IDEMPOTENCY):
        merged |= {name: data.get(name) for name in IDEMPOTENCY}
    given, default = data.get("verification"), preset["verification"]
    if isinstance(given, dict) and given.get("kind", default["kind"]) == default["kind"]:
        merged["verification"] = {**default, **given}
    return merged


_CERTIFIED = ("paypal", "sns", "aws_sns")
IDEMPOTENCY = ("idempotency_header", "idempotency_path", "idempotency_field")
"""Fields that say where a sender puts their id of a delivery; a webhook has one of them."""
