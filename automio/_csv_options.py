"""Defines options for reading a CSV or Excel file: arguments of `api.csv.import_file` and `api.csv.preview`."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from automio._json import encode_json

_AS_JSON = frozenset({"mapping", "on_conflict", "units", "null_words", "true_words", "false_words"})


class CsvReading(TypedDict, total=False):
    """Lists options for reading a file; those that are left out are detected, or have the default of docs/csv.md."""

    mapping: Mapping[str, str | None] | None
    """From columns of the file (a header, or `#` and a number) to columns of the table; None skips the column."""
    delimiter: str | None
    encoding: str | None
    escape: Literal["\\"] | None
    """A backslash for files of MySQL's `INTO OUTFILE` and PostgreSQL's text format."""
    decimal: Literal[".", ","] | None
    thousands: Literal[".", ",", "'", "space", "none"] | None
    units: Sequence[str] | None
    """Symbols allowed before or after a number: `["€", "%"]`; with `%` the number is divided by 100."""
    date_order: Literal["ymd", "dmy", "mdy"] | None
    date_format: str | None
    """For example `%d.%m.%Y`."""
    time_format: str | None
    """For example `%d.%m.%Y %H:%M`."""
    timezone: str | None
    """For times without a time zone: `Europe/Warsaw` or `+02:00`."""
    null_words: Sequence[str] | None
    true_words: Sequence[str] | None
    false_words: Sequence[str] | None
    sheet: str | int | None
    """Name of an Excel file's sheet, or its number from 1."""
    header_line: int | None
    """Line number of the header, from 1; 0 if the file has none."""
    guard_formulas: bool | None
    """Removes the `'` that an export puts before formulas; True by default."""


def form_fields(options: Mapping[str, Any]) -> dict[str, str]:
    """Returns the options as form fields; raises TypeError for an unknown option."""
    names = {*CsvReading.__annotations__, "on_conflict", "dry_run"}
    if unknown := options.keys() - names:
        raise TypeError(f"Unknown option {sorted(unknown)[0]!r}; the options are: {', '.join(sorted(names))}")
    return {name: _field(name, value) for name, value in options.items() if value is not None}


def _field(name: str, value: Any) -> str:
    if name in _AS_JSON:
        return encode_json(dict(value) if isinstance(value, Mapping) else list(value)).decode()
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
