"""Defines how records of a CSV or Excel file of any size are read, one after the other. Everything here blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from platform_api.csv.errors import LineRejected
from platform_api.csv.values.cells import Cell

MAX_ROWS = 1_000_000


@dataclass(frozen=True, slots=True)
class Record:
    """Holds one line; `problem` replaces the fields when it cannot be parsed. `raw` is the original CSV line."""

    line: int
    fields: tuple[Cell, ...]
    problem: LineRejected | None = None
    raw: str = ""


class Records(Protocol):
    """Reads a file whose header has been read already."""

    @property
    def header(self) -> Sequence[str]:
        """Returns the names in the header; none when the file has no header."""
        ...

    @property
    def is_ragged(self) -> bool:
        """Returns whether a line may omit empty cells at its end, as in Excel files."""
        ...

    @property
    def format(self) -> dict[str, Any]:
        """Returns the detected format: kind, and encoding and delimiter, or the sheet."""
        ...

    @property
    def total(self) -> int | None:
        """Returns the number of records; None when it is not known before they are read."""
        ...

    @property
    def blank(self) -> int:
        """Returns how many blank lines were skipped so far."""
        ...

    def take(self, count: int) -> list[Record]:
        """Returns the next records, fewer than `count` only at the end. Raises JobFailed."""
        ...

    def fraction(self) -> float:
        """Returns how much of the file has been read, 0 to 1."""
        ...
