"""Marks how far a stream of changes has come, as a snapshot of the database: what a transaction then saw."""

import re
from dataclasses import dataclass
from typing import Self

MAX_CHARACTERS = 8000
_SNAPSHOT = re.compile(r"(\d{1,18}):(\d{1,18}):((?:\d{1,18}(?:,\d{1,18})*)?)", re.ASCII)
_PLACE = re.compile(r"(\d{1,18})-(\d{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Tells which transactions had ended: those before `end` that are not in `running`. `first` did not end yet."""

    first: int
    end: int
    running: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.first}:{self.end}:{','.join(map(str, self.running))}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Reads a snapshot as PostgreSQL writes it; returns None for anything else."""
        match = _SNAPSHOT.fullmatch(text)
        if match is None:
            return None
        running = tuple(int(number) for number in match[3].split(",")) if match[3] else ()
        return cls(int(match[1]), int(match[2]), running)


@dataclass(frozen=True, slots=True)
class ChangePosition:
    """Marks a place among changes: all that `seen` saw and, of what `reading` saw besides, those up to a place.

    Without `reading` there is nothing but `seen`. The place is the transaction of a change and the id of the row.
    """

    seen: Snapshot
    reading: Snapshot | None = None
    change: int = 0
    row_id: int = 0

    def __str__(self) -> str:
        return str(self.seen) if self.reading is None else f"{self.seen};{self.reading};{self.change}-{self.row_id}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Reads a position written by `str()`; returns None for anything else."""
        seen_text, *rest = text.split(";")
        seen = Snapshot.parse(seen_text)
        if seen is None or not rest:
            return None if seen is None else cls(seen)
        if len(rest) != 2 or (reading := Snapshot.parse(rest[0])) is None:
            return None
        place = _PLACE.fullmatch(rest[1])
        return None if place is None else cls(seen, reading, int(place[1]), int(place[2]))
