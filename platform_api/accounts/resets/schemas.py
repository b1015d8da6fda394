"""Defines the JSON of password resets."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from platform_api.accounts.links.secret import MAX_SECRET_LENGTH
from platform_api.accounts.schemas import Email, Password


class _Write(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PasswordResetRequest(_Write):
    """Asks for a link to set a new password."""

    email: Email


class PasswordResetConfirm(_Write):
    """Sets a new password with the secret of the link."""

    token: Annotated[str, StringConstraints(min_length=1, max_length=MAX_SECRET_LENGTH)] = Field(
        description="From the link that was mailed"
    )
    password: Password
