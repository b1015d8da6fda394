"""Defines what endpoints of tables take: the table's name in the path, and what updates the engine's metadata."""

from typing import Annotated

from fastapi import Depends, Path, Request

from platform_api.core.services import services_of
from platform_api.tables.follow_up import MetadataFollowUp, TableServices

TableName = Annotated[str, Path(description="The table's name, bare or as `app_{id}_{name}`", max_length=200)]


async def _follow_up(request: Request) -> MetadataFollowUp:
    return services_of(request)[TableServices].follow_up


FollowUpDep = Annotated[MetadataFollowUp, Depends(_follow_up)]
