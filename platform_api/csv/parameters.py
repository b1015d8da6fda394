"""Describes what several endpoints of imports and exports take."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import Depends, File, Form, Path, UploadFile

from platform_api.accounts.dependencies import DataActorDep
from platform_api.core.database import SessionDep
from platform_api.core.errors import Unprocessable
from platform_api.core.http.dependencies import DatabaseDep
from platform_api.core.services import provided
from platform_api.csv.preview.previews import Previews
from platform_api.csv.service import Upload
from platform_api.csv.uploads import open_upload

ImportId = Annotated[int, Path(ge=1, le=2**63 - 1)]
ExportId = Annotated[int, Path(ge=1, le=2**63 - 1)]
PreviewsDep = Annotated[Previews, Depends(provided(Previews))]
KeyField = Annotated[
    UUID | None,
    Form(description="A UUID of the client's: when the request is sent again, the import that it began is answered"),
]


async def _sent_file(
    actor: DataActorDep,
    session: SessionDep,
    database: DatabaseDep,
    file: Annotated[UploadFile | None, File(description="CSV, or Excel's .xlsx; or send `upload`")] = None,
    upload: Annotated[UUID | None, Form(description="The id of a file that was uploaded before")] = None,
) -> AsyncIterator[Upload]:
    if (file is None) == (upload is None):
        raise Unprocessable("file: is required, or `upload`, but not both", field="file")
    if file is not None:
        yield file
    elif upload is not None:
        async with open_upload(session, actor, database, upload) as stored:
            yield stored


SentFileDep = Annotated[Upload, Depends(_sent_file, scope="function")]
"""The file of a request: in it, or one that was uploaded before."""
