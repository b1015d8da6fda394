"""Describes what several endpoints of imports and exports take."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Form, Path

from platform_api.core.services import provided
from platform_api.csv.preview.previews import Previews

ImportId = Annotated[int, Path(ge=1, le=2**63 - 1)]
ExportId = Annotated[int, Path(ge=1, le=2**63 - 1)]
PreviewsDep = Annotated[Previews, Depends(provided(Previews))]
KeyField = Annotated[
    UUID | None,
    Form(description="A UUID of the client's: when the request is sent again, the import that it began is answered"),
]
