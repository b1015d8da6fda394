"""Defines the JSON of a preview."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from platform_api.tables.ddl.column_types import ColumnType

_NOT_PLANNED = (ColumnType.REFERENCE, ColumnType.CHOICE)


class Confidence(StrEnum):
    """Names how sure a suggested type is."""

    CERTAIN = "certain"
    LIKELY = "likely"
    UNSURE = "unsure"


class PlannedColumn(BaseModel):
    """Describes what a column of the file becomes in a table that does not exist yet."""

    model_config = ConfigDict(extra="forbid")

    position: int = Field(ge=1, le=16_384, description="Of the file's column, from 1")
    name: Annotated[str, StringConstraints(max_length=63)] | None = Field(
        description="Of the table's column; null leaves the file's column out"
    )
    type: ColumnType = ColumnType.TEXT

    @field_validator("type")
    @classmethod
    def _without_more(cls, kind: ColumnType) -> ColumnType:
        if kind in _NOT_PLANNED:
            raise ValueError(f"must be a type that needs nothing else, not {kind}; change it when the table exists")
        return kind


class TablePlan(BaseModel):
    """Describes the table that a file becomes."""

    model_config = ConfigDict(extra="forbid")

    table: Annotated[str, StringConstraints(max_length=63)] = Field(description="Name of the table")
    columns: list[PlannedColumn] = Field(max_length=500)
    key: list[Annotated[str, StringConstraints(max_length=63)]] = Field(
        default=[], max_length=16, description="Columns of the table whose values are unique together"
    )


class CounterValue(BaseModel):
    """Holds a value that the table's column would not take."""

    line: int
    value: str
    reason: str


class Objection(BaseModel):
    """Holds the first cell that contradicts a way of reading a column."""

    against: str = Field(description="A type, an option such as date_order=dmy, or the table's column")
    line: int = Field(description="Line of the file (row of the sheet)")
    value: str
    reason: str


class PreviewColumn(BaseModel):
    """Describes a column of the file."""

    position: int = Field(description="From 1; `#` and this number identify the column in a mapping")
    header: str
    column: str | None = Field(description="The column of the table to which it is mapped")
    type: ColumnType | None = Field(description="The type that fits every cell; null for an empty column")
    filled: int = Field(description="Number of cells with a value in the lines examined")
    objections: list[Objection] = Field(description="What contradicts other types and options")
    confidence: Confidence | None = Field(description="How sure the suggested type of `plan` is")
    against: list[CounterValue] = Field(
        description="The first values that the column of the table, or of `plan`, would not take"
    )
    against_count: int = Field(description="How many of the lines examined have such a value")


class PreviewLine(BaseModel):
    """Holds a line as it is read. A malformed line has no values."""

    line: int
    values: list[str]


class PreviewProblem(BaseModel):
    """Describes a line that would be rejected for its form."""

    line: int
    reason: str


class CsvPreview(BaseModel):
    """Describes a file: its format, inferred options, and questions that remain open."""

    error: str | None = Field(description="Why the file cannot be read or imported with these options")
    format: dict[str, Any] = Field(description="Kind, and encoding and delimiter, or the sheets")
    options: dict[str, Any] = Field(description="Options for the import: those sent, and those inferred")
    questions: list[str] = Field(description="What is ambiguous or unspecified")
    columns: list[PreviewColumn]
    rows: list[PreviewLine] = Field(description="The first 50 lines")
    problems: list[PreviewProblem]
    plan: TablePlan | None = Field(
        description="The table that the file would become: as sent, or suggested; null with `table`"
    )
    rows_to_repair: int = Field(description="How many of the lines examined would be rejected")
    error_line: int | None = Field(description="Where in the file `error` is, if in one place")
    error_column: int | None = Field(description="The character of that line, from 1")
    rows_looked_at: int
    total_rows: int | None = Field(description="Rows of the file; null for a long Excel file")
