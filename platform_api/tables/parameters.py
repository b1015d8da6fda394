"""Defines the path parameter that names a table."""

from typing import Annotated

from fastapi import Path

TableName = Annotated[str, Path(description="The table's name, bare or as `app_{id}_{name}`", max_length=200)]
