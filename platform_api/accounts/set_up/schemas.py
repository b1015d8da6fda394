"""Defines the JSON of setting up an installation."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from platform_api.accounts.links.secret import MAX_SECRET_LENGTH
from platform_api.accounts.schemas import Email, Name, Password

Code = Annotated[str, StringConstraints(min_length=1, max_length=MAX_SECRET_LENGTH)]


class SetUpRead(BaseModel):
    """Tells a page, before anybody has signed in, what it can offer."""

    is_needed: bool = Field(description="Whether the installation has no user yet")
    can_send_mail: bool = Field(description="Whether a mail server is configured (SMTP_URL)")


class SetUp(BaseModel):
    """Describes the first user of an installation and their organization."""

    model_config = ConfigDict(extra="forbid")

    code: Code = Field(description="From the link that `automio up` printed")
    name: Name
    email: Email
    password: Password
    organization: Name = Field(description="Name of the first organization")
