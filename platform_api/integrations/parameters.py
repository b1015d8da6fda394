"""Declares how requests name an integration, one of its connections and the table that a call works for."""

from typing import Annotated

from fastapi import Path, Query

IntegrationReference = Annotated[str, Path(description="Id of the integration", max_length=100)]
ConnectionReference = Annotated[
    str | None, Query(max_length=320, description="Id or account name; the caller's own connection when absent")
]
TableReference = Annotated[
    str | None, Query(max_length=130, description="A table of the app, `app_{id}_{name}` or bare; others are refused")
]
