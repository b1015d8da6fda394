"""The records of a CSV or Excel file, one after the other, however large the file is. Everything here blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from platform_api.csv.errors import LineRejected
from platform_api.csv.values.cells import Cell

MAX_ROWS = 1_000_000


@dataclass(frozen=True, slots=True)
class Record:
    """One line; `problem` is set instead of fields when it cannot be parsed. `raw` is a CSV line as it stands."""

    line: int
    fields: tuple[Cell, ...]
    problem: LineRejected | None = None
    raw: str = ""


class Records(Protocol):
    """A file whose header has been read."""

    @property
    def header(self) -> Sequence[str]:
        """Names of the file's columns, as many as the header has; none when the file has no header."""
        ...

    @property
    def is_ragged(self) -> bool:
        """Whether empty cells at the end of a line may be left out, as in Excel files."""
        ...

    @property
    def format(self) -> dict[str, Any]:
        """What the file was found to be: kind, and encoding and delimiter, or the sheet."""
        ...

    @property
    def total(self) -> int | None:
        """How many records there are, where that is known before they have been read."""
        ...

    @property
    def blank(self) -> int:
        """How many lines without any value were passed over so far."""
        ...

    def take(self, count: int) -> list[Record]:
        """Returns the next records, fewer than `count` at the end only. Raises JobFailed."""
        ...

    def fraction(self) -> float:
        """Returns how much of the file has been read, 0 to 1."""
        ...
