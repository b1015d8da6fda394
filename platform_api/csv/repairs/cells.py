"""Stores cells as JSON. A typed cell of an Excel file keeps its type: it is never parsed again as text."""

from datetime import date, datetime, time, timedelta
from typing import Any

from platform_api.csv.values.cells import Cell, Fault, FaultKind, Number

_NUL = "\x00"
_SHOWN_NUL = "\ufffd"
"""JSON of PostgreSQL has no NUL character; a cell with one was rejected for it."""


def cell_to_json(cell: Cell) -> Any:
    """Returns the JSON of a cell: text and booleans as they are, others in an object."""
    match cell:
        case str():
            return storable(cell)
        case bool():
            return cell
        case Number():
            return {"number": cell.text, "mask": cell.mask}
        case datetime():
            return {"datetime": cell.isoformat()}
        case date():
            return {"date": cell.isoformat()}
        case time():
            return {"time": cell.isoformat()}
        case timedelta():
            return {"microseconds": cell // timedelta(microseconds=1)}
        case Fault():
            return {"fault": storable(cell.text), "reason": storable(cell.reason), "kind": cell.kind.value}


def cell_of_json(content: Any) -> Cell:
    """Returns the cell that `cell_to_json` has stored."""
    match content:
        case str() | bool():
            return content
        case {"number": str(text), "mask": str(mask)}:
            return Number(text, mask)
        case {"datetime": str(text)}:
            return datetime.fromisoformat(text)
        case {"date": str(text)}:
            return date.fromisoformat(text)
        case {"time": str(text)}:
            return time.fromisoformat(text)
        case {"microseconds": int(count)}:
            return timedelta(microseconds=count)
        case {"fault": str(text), "reason": str(reason), "kind": str(kind)}:
            return Fault(text, reason, FaultKind(kind))
    raise ValueError(f"a stored cell has an unknown form: {content!r}")


def storable(text: str) -> str:
    """Returns the text as JSON of PostgreSQL can hold it."""
    return text.replace(_NUL, _SHOWN_NUL)
