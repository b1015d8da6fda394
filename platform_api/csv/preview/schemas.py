"""Defines the JSON of a preview."""

from typing import Any

from pydantic import BaseModel, Field

from platform_api.tables.ddl.column_types import ColumnType


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
    rows_looked_at: int
    total_rows: int | None = Field(description="Rows of the file; null for a long Excel file")
