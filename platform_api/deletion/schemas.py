"""Defines the JSON of what an app holds."""

from typing import Self

from pydantic import BaseModel, Field

from platform_api.deletion.service import AppContents


class AppContentsRead(BaseModel):
    """Counts what is deleted with an app, of its own organization and of those that installed it."""

    tables: int
    rows: int = Field(description="An estimate, from PostgreSQL's statistics")
    files: int
    file_bytes: int
    actions: int
    runs: int = Field(description="Runs that are kept, with their logs and results")
    open_runs: int = Field(description="Runs that have not ended; they are ended")
    installs: int = Field(description="Organizations that installed it")

    @classmethod
    def of(cls, contents: AppContents) -> Self:
        return cls(
            tables=contents.stored.tables,
            rows=contents.stored.rows,
            files=contents.files,
            file_bytes=contents.file_bytes,
            actions=contents.actions,
            runs=contents.runs,
            open_runs=contents.open_runs,
            installs=contents.installs,
        )
