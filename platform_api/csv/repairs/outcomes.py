"""Names what becomes of a row that somebody repairs."""

from dataclasses import dataclass
from enum import StrEnum

from platform_api.csv.models import RejectedRow


class RepairOutcome(StrEnum):
    """Names what became of a row."""

    IMPORTED = "imported"
    IMPORTED_BEFORE = "imported_before"
    REJECTED = "rejected"
    CHANGED = "changed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Repaired:
    """Says what became of a row; `row` stays on the list."""

    line: int
    outcome: RepairOutcome
    row: RejectedRow | None = None
