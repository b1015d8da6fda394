"""Defines the bodies of an import's requests and replies."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from platform_api.core.http.error_answers import ErrorBody
from platform_api.core.http.openapi import JsonText
from platform_api.integrations.definitions.api_description import OperationDescription, Progress, ServerVariable
from platform_api.integrations.definitions.definition import Auth, IntegrationDefinition
from platform_api.integrations.openapi.sent_documents import SentJson
from platform_api.integrations.schemas import OperationRead

_MAX_SHOWN_OPERATIONS = 100
_MAX_FILES = 1_000

FilePath = Annotated[str, Field(min_length=1, max_length=500)]


class ImportWrite(BaseModel):
    """Gives an OpenAPI 3 or Swagger 2 document: its URL, or the document itself (JSON or YAML)."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(max_length=2000)] | None = None
    document: SentJson | None = None
    document_path: FilePath | None = None
    """The path of `document` beside `files`, e.g. `api/openapi.yaml`; needed where a file refers back to it."""
    files: Annotated[dict[FilePath, SentJson], Field(max_length=_MAX_FILES)] = {}
    """The documents that it refers to, by their paths: relative to the same folder as `document_path`."""
    id: Annotated[str, Field(max_length=100)] | None = None
    """Id of the definition, derived from the title when absent; the id of an own definition updates that one."""
    name: Annotated[str, Field(min_length=1, max_length=150)] | None = None
    description: Annotated[str, Field(max_length=5000)] | None = None
    base_url: Annotated[str, Field(max_length=200)] | None = None
    """Replaces the document's first server."""
    auth: Auth | None = None
    """Replaces the authentication that the document declares."""
    dry_run: bool = False
    """Returns what an import would do and stores nothing."""
    streaming: bool = False
    """Answers with server-sent events: how far the import has come, and last what it did."""


class PlaceholderRead(BaseModel):
    """Lists the values of a server variable; each connection gives one."""

    default: str
    choices: list[str]


class ImportRead(BaseModel):
    """Reports what an import did, or with `dry_run` would do."""

    definition: IntegrationDefinition
    is_new: bool
    dry_run: bool
    operation_count: int
    operations: list[OperationRead]
    """The first 100."""
    placeholders: dict[str, PlaceholderRead]
    notes: list[str]
    """What could not be taken over from the document, and why, for a person to look at."""

    @classmethod
    def of(
        cls,
        definition: IntegrationDefinition,
        operations: Sequence[OperationDescription],
        placeholders: Mapping[str, ServerVariable],
        *,
        is_new: bool,
        is_dry_run: bool,
        notes: list[str],
    ) -> Self:
        return cls(
            definition=definition,
            is_new=is_new,
            dry_run=is_dry_run,
            operation_count=len(operations),
            operations=[
                OperationRead.model_validate(operation.model_dump())
                for operation in operations[:_MAX_SHOWN_OPERATIONS]
            ],
            placeholders={
                name: PlaceholderRead(default=variable.default, choices=variable.choices)
                for name, variable in placeholders.items()
            },
            notes=notes,
        )


class OpenApiProgressEvent(BaseModel):
    """Describes an event that says how far an import has come."""

    event: Literal["progress"]
    data: Annotated[str, JsonText(Progress)]


class OpenApiEndEvent(BaseModel):
    """Describes the last event of an import that is done."""

    event: Literal["end"]
    data: Annotated[str, JsonText(ImportRead)]


class OpenApiErrorEvent(BaseModel):
    """Describes the last event of an import that was refused: the body that the answer would have had."""

    event: Literal["error"]
    data: Annotated[str, JsonText(ErrorBody)]
