"""The options of an import as fields of a form, beside the file."""

import json
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Depends, Form
from pydantic import TypeAdapter, ValidationError

from platform_api.core.errors import Unprocessable, describe_validation_errors
from platform_api.csv.schemas import ImportOptions, OnConflict, Thousands, Units, Words

T = TypeVar("T")
_MAPPING: TypeAdapter[dict[str, str | None]] = TypeAdapter(dict[str, str | None])
_ON_CONFLICT: TypeAdapter[OnConflict] = TypeAdapter(OnConflict)
_UNITS: TypeAdapter[Units] = TypeAdapter(Units)
_WORDS: TypeAdapter[Words] = TypeAdapter(Words)
_TABS = {"tab": "\t", "\\t": "\t"}
_ESCAPES = {"backslash": "\\", "\\": "\\"}

_MappingField = Annotated[
    str | None, Form(description="JSON: the file's columns, or `#` and their number, to the table's; null: leave out")
]
_OnConflictField = Annotated[str | None, Form(description='JSON: {"columns": [...], "action": "update" or "skip"}')]
_DelimiterField = Annotated[
    str | None, Form(description="`,` `;` `|`, a tab or the word tab; found out when absent", max_length=10)
]
_EncodingField = Annotated[str | None, Form(max_length=40, description="UTF-8, or the BOM's, when absent")]
_EscapeField = Annotated[
    str | None,
    Form(
        max_length=10,
        description="A backslash, or this word: as MySQL and PostgreSQL's text format have it",
    ),
]
_DecimalField = Annotated[Literal[".", ","] | None, Form(description="What fractions begin with, else a point")]
_ThousandsField = Annotated[
    Thousands | None, Form(description="What stands between thousands; with a decimal comma a point when absent")
]
_UnitsField = Annotated[
    str | None,
    Form(description='JSON list of what may stand beside a number: ["€", "%"]; % makes hundredths', max_length=1000),
]
_OrderField = Annotated[
    Literal["ymd", "dmy", "mdy"] | None, Form(description="Order of dates that are not as 2026-01-31")
]
_DateFormatField = Annotated[str | None, Form(max_length=60, description="The format of dates, as %d.%m.%Y")]
_TimeFormatField = Annotated[str | None, Form(max_length=60, description="The format of times, as %d.%m.%Y %H:%M")]
_TimezoneField = Annotated[
    str | None, Form(max_length=60, description="The zone of times that name none, as Europe/Warsaw or +02:00")
]
_WordsField = Annotated[str | None, Form(description="JSON list of words", max_length=8000)]
_SheetField = Annotated[
    str | None, Form(max_length=200, description="Name of an Excel file's sheet, or its number from 1")
]
_HeaderField = Annotated[
    int | None, Form(ge=0, le=1_000_000, description="Line of the header, from 1; 0: the file has none")
]


def _read_options(
    mapping: _MappingField = None,
    on_conflict: _OnConflictField = None,
    delimiter: _DelimiterField = None,
    encoding: _EncodingField = None,
    escape: _EscapeField = None,
    decimal: _DecimalField = None,
    thousands: _ThousandsField = None,
    units: _UnitsField = None,
    date_order: _OrderField = None,
    date_format: _DateFormatField = None,
    time_format: _TimeFormatField = None,
    timezone: _TimezoneField = None,
    null_words: _WordsField = None,
    true_words: _WordsField = None,
    false_words: _WordsField = None,
    sheet: _SheetField = None,
    header_line: _HeaderField = None,
    guard_formulas: Annotated[
        bool | None, Form(description="Takes away the ' that an export puts before formulas; true when absent")
    ] = None,
    dry_run: Annotated[bool | None, Form(description="Tries every line and keeps nothing")] = None,
) -> ImportOptions:
    if escape and escape not in _ESCAPES:
        raise Unprocessable("escape: must be a backslash, or the word backslash")
    given = {
        "mapping": _json("mapping", mapping, _MAPPING),
        "on_conflict": _json("on_conflict", on_conflict, _ON_CONFLICT),
        "delimiter": _TABS.get(delimiter, delimiter) if delimiter else None,
        "encoding": encoding or None,
        "escape": _ESCAPES.get(escape) if escape else None,
        "decimal": decimal,
        "thousands": thousands,
        "units": _json("units", units, _UNITS),
        "date_order": date_order,
        "date_format": date_format or None,
        "time_format": time_format or None,
        "timezone": timezone or None,
        "null_words": _json("null_words", null_words, _WORDS),
        "true_words": _json("true_words", true_words, _WORDS),
        "false_words": _json("false_words", false_words, _WORDS),
        "sheet": sheet or None,
        "header_line": header_line,
        "guard_formulas": guard_formulas,
        "dry_run": dry_run,
    }
    # Only what was said: a preview finds out the rest.
    return ImportOptions.model_validate({name: value for name, value in given.items() if value is not None})


ImportOptionsDep = Annotated[ImportOptions, Depends(_read_options)]


def _json(name: str, text: str | None, adapter: TypeAdapter[T]) -> T | None:
    """Reads a form field that holds JSON."""
    if not text:
        return None
    try:
        value: Any = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise Unprocessable(f"{name}: must be JSON") from error
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise Unprocessable(f"{name}: {describe_validation_errors(error.errors())}") from error
