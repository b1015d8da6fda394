"""Defines the JSON of repair lists."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from platform_api.core.http.pagination import Envelope
from platform_api.csv.models import RejectedRow
from platform_api.csv.repairs.cells import cell_of_json
from platform_api.csv.repairs.outcomes import RepairOutcome
from platform_api.csv.schemas import CsvImportRead
from platform_api.csv.values.cells import text_of

MAX_REPAIRS = 100
"""Rows in one request, which writes them before it answers."""
MAX_VALUE = 16 * 1024


class RowReason(BaseModel):
    """Says why a row was rejected."""

    column: str | None = Field(description="The table's column; null when it is the line or the row as a whole")
    reason: str


class RowValue(BaseModel):
    """Holds a value of a rejected row as text."""

    column: str = Field(description="The table's column")
    value: str


class RejectedRowRead(BaseModel):
    """Describes a row of a repair list."""

    line: int = Field(description="Line of the file (row of the sheet)")
    revision: int = Field(description="Grows with each attempt to repair the row")
    values: list[RowValue] = Field(description="In the order of the file")
    reasons: list[RowReason]
    raw: str | None = Field(description="The line as it is in the file, where its form is at fault")

    @classmethod
    def of(cls, row: RejectedRow) -> "RejectedRowRead":
        return cls(
            line=row.line,
            revision=row.revision,
            values=[RowValue(column=column, value=text_of(cell_of_json(cell))) for column, cell in row.cells],
            reasons=[RowReason.model_validate(reason) for reason in row.reasons],
            raw=row.raw,
        )


class RejectedRowPage(Envelope):
    results: list[RejectedRowRead]


class RowRepair(BaseModel):
    """Changes some values of a rejected row. The others stay as they are in the file."""

    model_config = ConfigDict(extra="forbid")

    line: int = Field(ge=1, le=2**63 - 1)
    revision: int = Field(ge=1, le=2**31 - 1, description="Of the row that was seen: a changed one stays as it is")
    values: dict[
        Annotated[str, StringConstraints(max_length=63)], Annotated[str, StringConstraints(max_length=MAX_VALUE)]
    ] = Field(default={}, max_length=505, description="Text as it would be in the file, by the table's columns")


class RepairWrite(BaseModel):
    """Holds the rows to import again."""

    model_config = ConfigDict(extra="forbid")

    rows: list[RowRepair] = Field(min_length=1, max_length=MAX_REPAIRS)


class RowRepaired(BaseModel):
    """Says what became of a row."""

    line: int
    outcome: RepairOutcome = Field(
        description="imported; imported_before: by somebody, or by the same request; rejected: `row` has the new"
        " reasons; changed: somebody has changed it since, `row` is as they left it; unknown: not on the list"
    )
    row: RejectedRowRead | None = Field(description="As it stays on the list")


class RepairResult(BaseModel):
    """Says what became of each row, and how the import stands now."""

    results: list[RowRepaired]
    csv_import: CsvImportRead
