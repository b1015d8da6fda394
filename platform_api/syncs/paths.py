"""Checks the paths into JSON of declarations (`automio._paths` says how they are written)."""

from typing import Annotated

from pydantic import AfterValidator, Field

from automio._paths import steps_of


def _check(path: str) -> str:
    steps_of(path)
    return path


Path = Annotated[str, Field(max_length=300), AfterValidator(_check)]
