"""Gives endpoints the parts of `core` that every domain uses, as FastAPI dependencies."""

from typing import Annotated

from fastapi import Depends

from platform_api.core.database import Database
from platform_api.core.services import provided
from platform_api.core.settings import Settings

DatabaseDep = Annotated[Database, Depends(provided(Database))]
"""For what opens transactions of its own: a slow upstream must not hold a connection to the database."""
SettingsDep = Annotated[Settings, Depends(provided(Settings))]
