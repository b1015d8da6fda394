"""A preview on the wire."""

from typing import Any

from pydantic import BaseModel, Field

from platform_api.tables.ddl.column_types import ColumnType


class Objection(BaseModel):
    """The first cell that speaks against a way of reading a column."""

    against: str = Field(description="A type, an option such as date_order=dmy, or the table's column")
    line: int = Field(description="Line of the file (row of the sheet)")
    value: str
    reason: str


class PreviewColumn(BaseModel):
    """A column of the file."""

    position: int = Field(description="From 1; `#` and this number name the column in a mapping")
    header: str
    column: str | None = Field(description="The table's column it would go into")
    type: ColumnType | None = Field(description="The type that fits every cell; null for an empty column")
    filled: int = Field(description="Cells with a value, of the lines looked at")
    objections: list[Objection] = Field(description="What speaks against other types and options")


class PreviewLine(BaseModel):
    """A line as it is read. A malformed one has no values."""

    line: int
    values: list[str]


class PreviewProblem(BaseModel):
    """A line that would be rejected for its form."""

    line: int
    reason: str


class CsvPreview(BaseModel):
    """What a file was found to be, and what is open."""

    error: str | None = Field(description="Why the file cannot be read or imported with these options")
    format: dict[str, Any] = Field(description="Kind, and encoding and delimiter, or the sheets")
    options: dict[str, Any] = Field(description="Options to import it with: those sent, and those found out")
    questions: list[str] = Field(description="What two ways of reading leave open, or nobody has said")
    columns: list[PreviewColumn]
    rows: list[PreviewLine] = Field(description="The first 50 lines")
    problems: list[PreviewProblem]
    rows_looked_at: int
    total_rows: int | None = Field(description="Rows of the file; null for a long Excel file")
