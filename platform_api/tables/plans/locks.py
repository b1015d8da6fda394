"""Names what a statement of a change locks, for how long, and what that means for people."""

from dataclasses import dataclass
from enum import StrEnum


class Lock(StrEnum):
    """Names a lock of a table as PostgreSQL does."""

    NONE = "none"
    SHARE_UPDATE_EXCLUSIVE = "SHARE UPDATE EXCLUSIVE"
    SHARE = "SHARE"
    SHARE_ROW_EXCLUSIVE = "SHARE ROW EXCLUSIVE"
    ACCESS_EXCLUSIVE = "ACCESS EXCLUSIVE"


class Work(StrEnum):
    """Tells what a statement does with the rows, and so how long it takes."""

    BRIEF = "brief"
    SCAN = "scan"
    REWRITE = "rewrite"


@dataclass(frozen=True, slots=True)
class Effect:
    """Holds what a statement locks and does."""

    lock: Lock
    work: Work = Work.BRIEF

    @property
    def words(self) -> str:
        """Returns who waits, and until when."""
        who = _WHO[self.lock]
        return who if self.lock is Lock.NONE else f"{who} {_UNTIL[self.work]}"


_WHO = {
    Lock.NONE: "nobody waits: nobody else sees the table yet",
    Lock.SHARE_UPDATE_EXCLUSIVE: "rows are read and written; only other changes of the table wait",
    Lock.SHARE: "rows are read; who writes waits",
    Lock.SHARE_ROW_EXCLUSIVE: "rows of both tables are read; who writes waits",
    Lock.ACCESS_EXCLUSIVE: "who reads or writes the table waits",
}
_UNTIL = {
    Work.BRIEF: "for a moment",
    Work.SCAN: "while all rows are looked at",
    Work.REWRITE: "while all rows are written anew",
}
