"""Reads the options of an import from the fields of a form."""

import json
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Depends, Form
from pydantic import TypeAdapter, ValidationError

from platform_api.core.errors import Unprocessable
from platform_api.core.http.validation import describe_validation_errors, field_errors
from platform_api.csv.preview.schemas import TablePlan
from platform_api.csv.schemas import ImportOptions, OnConflict, Thousands, Units, Words

T = TypeVar("T")
_MAPPING: TypeAdapter[dict[str, str | None]] = TypeAdapter(dict[str, str | None])
_ON_CONFLICT: TypeAdapter[OnConflict] = TypeAdapter(OnConflict)
_PLAN: TypeAdapter[TablePlan] = TypeAdapter(TablePlan)
_UNITS: TypeAdapter[Units] = TypeAdapter(Units)
_WORDS: TypeAdapter[Words] = TypeAdapter(Words)
_TABS = {"tab": "\t", "\\t": "\t"}
_ESCAPES = {"backslash": "\\", "\\": "\\"}

_MappingField = Annotated[
    str | None,
    Form(description="JSON: the file's columns, or `#` and their number, to the table's; null leaves one out"),
]
_OnConflictField = Annotated[str | None, Form(description='JSON: {"columns": [...], "action": "update" or "skip"}')]
_DelimiterField = Annotated[
    str | None, Form(description="`,` `;` `|`, a tab or the word tab; detected when absent", max_length=10)
]
_EncodingField = Annotated[
    str | None, Form(max_length=40, description="When absent, UTF-8 or that of the byte order mark")
]
_EscapeField = Annotated[
    str | None,
    Form(
        max_length=10,
        description="A backslash, or the word backslash, for files of MySQL or PostgreSQL's text format",
    ),
]
_DecimalField = Annotated[Literal[".", ","] | None, Form(description="The decimal sign; a point when absent")]
_ThousandsField = Annotated[
    Thousands | None, Form(description="The thousands separator; when absent, a point if the decimal sign is a comma")
]
_UnitsField = Annotated[
    str | None,
    Form(description='JSON list of units beside numbers: ["€", "%"]; % divides by 100', max_length=1000),
]
_OrderField = Annotated[
    Literal["ymd", "dmy", "mdy"] | None, Form(description="Order of dates that are not like 2026-01-31")
]
_DateFormatField = Annotated[str | None, Form(max_length=60, description="The format of dates, such as %d.%m.%Y")]
_TimeFormatField = Annotated[
    str | None, Form(max_length=60, description="The format of times, such as %d.%m.%Y %H:%M")
]
_TimezoneField = Annotated[
    str | None, Form(max_length=60, description="The zone of times without one, such as Europe/Warsaw or +02:00")
]
_WordsField = Annotated[str | None, Form(description="JSON list of words", max_length=8000)]
_SheetField = Annotated[
    str | None, Form(max_length=200, description="Name of a sheet in an Excel file, or its number from 1")
]
_HeaderField = Annotated[
    int | None, Form(ge=0, le=1_000_000, description="Line of the header, from 1; 0 if the file has none")
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
        bool | None, Form(description="Removes the ' that an export puts before formulas; true when absent")
    ] = None,
    dry_run: Annotated[bool | None, Form(description="Tries every line without storing anything")] = None,
) -> ImportOptions:
    if escape and escape not in _ESCAPES:
        raise Unprocessable("escape: must be a backslash, or the word backslash", field="escape")
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
    # Only what was sent: a preview infers the rest.
    return ImportOptions.model_validate({name: value for name, value in given.items() if value is not None})


def _read_plan(
    plan: Annotated[
        str | None,
        Form(
            max_length=200_000,
            description='JSON of the table that the file becomes: {"table": …, "columns": [{"position": 1, "name": …,'
            ' "type": …}], "key": […]}; a column whose name is null is left out',
        ),
    ] = None,
) -> TablePlan | None:
    return _json("plan", plan, _PLAN)


PlanDep = Annotated[TablePlan | None, Depends(_read_plan)]
ImportOptionsDep = Annotated[ImportOptions, Depends(_read_options)]


def _json(name: str, text: str | None, adapter: TypeAdapter[T]) -> T | None:
    """Parses a form field that contains JSON. Raises Unprocessable."""
    if not text:
        return None
    try:
        value: Any = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise Unprocessable(f"{name}: must be JSON", field=name) from error
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        errors = error.errors()
        message = f"{name}: {describe_validation_errors(errors)}"
        raise Unprocessable(message, fields=field_errors(errors, value, within=name)) from error
