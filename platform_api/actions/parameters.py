"""Defines how requests name an action in the path."""

from typing import Annotated

from fastapi import Path

ActionReference = Annotated[
    str, Path(description="Id of the action, or its slug together with `app` (by default the token's)", max_length=63)
]
