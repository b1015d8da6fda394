"""Stores and reads the lines that runs write."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.core.types import RunId
from platform_api.runs.queries import QUERIES
from platform_api.runs.runner_schemas import LogLines
from platform_api.runs.signals import announce_change
from platform_api.work.errors import LeaseLost

_TAIL_LINES = 2000
_TAIL_CHARACTERS = 64 * 1024


@dataclass(frozen=True, slots=True, order=True)
class LogPosition:
    """Marks the place of a line in its run's log: the attempt, and the line's number in it."""

    fence: int = 0
    seq: int = 0

    def __str__(self) -> str:
        return f"{self.fence}-{self.seq}"

    @classmethod
    def parse(cls, text: str) -> "LogPosition | None":
        """Reads a position written by `str()`; returns None for anything else."""
        fence, dash, seq = text.strip().partition("-")
        if not dash or not (fence.isdecimal() and seq.isdecimal()) or len(fence) > 9 or len(seq) > 9:
            return None
        return cls(int(fence), int(seq))


@dataclass(frozen=True, slots=True)
class LogLine:
    """Holds one line of a log."""

    position: LogPosition
    stream: str
    text: str
    at: datetime


async def append_lines(session: AsyncSession, run_id: RunId, batch: LogLines) -> int:
    """Stores lines of a run that is held under the batch's fence; returns how many were new. Raises LeaseLost."""
    parameters = {
        "run_id": run_id,
        "fence": batch.fence,
        "bytes": sum(len(line.text.encode()) + 16 for line in batch.lines),
        "seqs": [line.seq for line in batch.lines],
        "streams": [str(line.stream) for line in batch.lines],
        "texts": [line.text for line in batch.lines],
        "ats": [line.at for line in batch.lines],
    }
    row = (await session.execute(QUERIES["append_log_lines"], parameters)).one()
    if not row.is_held:
        raise LeaseLost(f"run {run_id} is not held under fence {batch.fence}; its log accepts no more lines")
    if row.accepted:
        await announce_change(session, run_id)
    return int(row.accepted)


async def position_before_last(session: AsyncSession, run_id: RunId, *, lines: int) -> LogPosition:
    """Returns the position after which the log has its last `lines` lines, or fewer where it has no more."""
    parameters = {"run_id": run_id, "lines": lines}
    row = (await session.execute(QUERIES["position_before_last_lines"], parameters)).one_or_none()
    return LogPosition() if row is None else LogPosition(row.fence, row.seq)


async def read_lines(session: AsyncSession, run_id: RunId, *, after: LogPosition, limit: int) -> list[LogLine]:
    """Returns up to `limit` lines after a position, in order."""
    parameters = {"run_id": run_id, "fence": after.fence, "seq": after.seq, "lines": limit}
    return _lines((await session.execute(QUERIES["read_log_lines"], parameters)).all())


async def read_tail(session: AsyncSession, run_id: RunId) -> str:
    """Returns the end of the log as text, of a bounded size."""
    rows = await session.execute(QUERIES["read_last_log_lines"], {"run_id": run_id, "lines": _TAIL_LINES})
    lines = _lines(rows.all())
    text = "".join(f"{line.text}\n" for line in lines)
    if len(text) <= _TAIL_CHARACTERS and len(lines) < _TAIL_LINES:
        return text
    tail = text[-_TAIL_CHARACTERS:]
    if len(tail) < len(text):
        tail = tail.partition("\n")[2] or tail
    return f"… (earlier lines are left out)\n{tail}"


def _lines(rows: Sequence[Row[tuple[int, int, str, str, datetime]]]) -> list[LogLine]:
    return [LogLine(LogPosition(row.fence, row.seq), row.stream, row.text, row.at) for row in rows]
