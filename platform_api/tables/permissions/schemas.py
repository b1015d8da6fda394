"""Defines the JSON of permissions."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, Field

from platform_api.accounts.models import Role
from platform_api.tables.permissions.definition import Permission
from platform_api.tables.permissions.service import Described


class PermissionWrite(Permission):
    """Replaces a role's permission."""

    base_revision: int = Field(ge=0, description="The revision that was changed, 0 for none; 409 when it is another")


class PermissionRead(Permission):
    """Describes the permission of a role."""

    role: Role
    revision: int
    words: dict[str, str] = Field(description="The rules in words: `read`, `add`, `change`, `after`, `delete`")
    metadata: dict[str, Any] = Field(description="The same as Hasura's metadata, by `<operation>_permissions`")
    updated_at: datetime

    @classmethod
    def of(cls, described: Described) -> Self:
        stored = described.permission
        return cls(
            **stored.content.model_dump(),
            role=stored.role,
            revision=stored.revision,
            words=dict(described.words),
            metadata={f"{item.operation}_permissions": [item.to_metadata()] for item in described.metadata},
            updated_at=stored.updated_at,
        )


class PermissionsRead(BaseModel):
    """Holds the permissions of a table."""

    unlimited: list[Role] = Field(description="Roles that may always do everything")
    roles: list[PermissionRead] = Field(description="Limited roles; a role in neither list may do everything, too")
