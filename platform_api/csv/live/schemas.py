"""Defines the events of the streams of imports and exports."""

from typing import Annotated, Literal

from pydantic import BaseModel

from platform_api.core.http.openapi import JsonText
from platform_api.csv.schemas import CsvExportRead, CsvImportRead


class ImportProgressEvent(BaseModel):
    """Describes an event that holds an import as it has become."""

    event: Literal["progress"]
    id: str
    data: Annotated[str, JsonText(CsvImportRead)]


class ImportEndEvent(BaseModel):
    """Describes the last event of an import's stream: nothing will change any more."""

    event: Literal["end"]
    id: str
    data: Annotated[str, JsonText(CsvImportRead)]


class ExportProgressEvent(BaseModel):
    """Describes an event that holds an export as it has become."""

    event: Literal["progress"]
    id: str
    data: Annotated[str, JsonText(CsvExportRead)]


class ExportEndEvent(BaseModel):
    """Describes the last event of an export's stream."""

    event: Literal["end"]
    id: str
    data: Annotated[str, JsonText(CsvExportRead)]
