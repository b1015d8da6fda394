"""Defines how requests give their key."""

from typing import Annotated

from fastapi import Header

HEADER = "Idempotency-Key"

IdempotencyKeyHeader = Annotated[
    str | None,
    Header(
        alias=HEADER,
        max_length=255,
        description="The same key with the same request, within 24 hours: one effect, and the first answer again",
    ),
]
