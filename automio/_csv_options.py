"""How a CSV or Excel file is to be read: keyword arguments of `api.csv.import_file` and `api.csv.preview`."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from automio._json import encode_json

_AS_JSON = frozenset({"mapping", "on_conflict", "units", "null_words", "true_words", "false_words"})


class CsvReading(TypedDict, total=False):
    """What is said of a file; what is left out is found out, or as the platform's documentation says."""

    mapping: Mapping[str, str | None] | None
    """The table's column for a column of the file, named by its header or `#` and its number; None leaves it out."""
    delimiter: str | None
    encoding: str | None
    escape: Literal["\\"] | None
    """A backslash, as in MySQL's `INTO OUTFILE` and PostgreSQL's text format."""
    decimal: Literal[".", ","] | None
    thousands: Literal[".", ",", "'", "space", "none"] | None
    units: Sequence[str] | None
    """What may stand before or after a number: `["€", "%"]`; `%` makes hundredths."""
    date_order: Literal["ymd", "dmy", "mdy"] | None
    date_format: str | None
    """As `%d.%m.%Y`."""
    time_format: str | None
    """As `%d.%m.%Y %H:%M`."""
    timezone: str | None
    """Of times that name none: `Europe/Warsaw` or `+02:00`."""
    null_words: Sequence[str] | None
    true_words: Sequence[str] | None
    false_words: Sequence[str] | None
    sheet: str | int | None
    """Name of an Excel file's sheet, or its number from 1."""
    header_line: int | None
    """From 1; 0: the file has no header."""
    guard_formulas: bool | None
    """Whether the `'` that an export puts before formulas is taken away; True when left out."""


def form_fields(options: Mapping[str, Any]) -> dict[str, str]:
    """Returns options as the fields of a form. TypeError for one that does not exist."""
    known = {*CsvReading.__annotations__, "on_conflict", "dry_run"}
    if unknown := options.keys() - known:
        raise TypeError(f"{sorted(unknown)[0]} is no option of a CSV file; there are: {', '.join(sorted(known))}")
    return {name: _field(name, value) for name, value in options.items() if value is not None}


def _field(name: str, value: Any) -> str:
    if name in _AS_JSON:
        return encode_json(dict(value) if isinstance(value, Mapping) else list(value)).decode()
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
