"""Writes the modules that tell a language server an app's own names. Pure."""

import keyword
import re
from collections.abc import Iterable, Mapping

from platform_api.language_server.models import Known, KnownTable

NAMES = "stubs/automio/_names.py"
ROWS = "stubs/automio/rows.py"

_MAX_NAMES = 2000
_TYPES: Mapping[str, str] = {
    "integer": "int",
    "bigint": "int",
    "float": "float",
    "numeric": "float | str",
    "boolean": "bool",
    "json": "Any",
}
"""What GraphQL answers for a column's type; text for all others."""

_HEAD = '''"""{about}"""

from typing import Any, Literal, Protocol, TypeAlias, TypedDict


class Text(Protocol):
    """Any other text: a name that is computed, or one that is not known here."""

    def casefold(self) -> str: ...


'''


def stub_files(known: Known) -> dict[str, str]:
    """Returns the modules by their path in the workspace."""
    return {NAMES: _names(known), ROWS: _rows(known.tables)}


def class_name(table: str) -> str:
    """Returns the name of a table's type of rows: `OrderLines` for `order_lines`."""
    name = "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", table))
    return name if name.isidentifier() and not keyword.iskeyword(name) else f"Table{name}"


def _names(known: Known) -> str:
    endpoints = {endpoint for integration in known.integrations for endpoint in integration.endpoints}
    aliases = (
        _alias("TableName", (table.name for table in known.tables)),
        _alias("IntegrationName", (integration.name for integration in known.integrations)),
        _alias("Endpoint", sorted(endpoints)),
    )
    return _HEAD.format(about="Names of this app: tables, integrations, operations.") + "\n".join(aliases) + "\n"


def _alias(name: str, values: Iterable[str]) -> str:
    # Not `str` beside the literals: it would contain them, and nothing would be left to complete.
    listed = ", ".join(repr(value) for value in list(values)[:_MAX_NAMES])
    return f"{name}: TypeAlias = " + (f"Literal[{listed}] | Text" if listed else "str")


def _rows(tables: Iterable[KnownTable]) -> str:
    return _HEAD.format(about="Types of the rows of this app's tables.") + "\n".join(map(_row, tables)) + "\n"


def _row(table: KnownTable) -> str:
    # As a call: the name of a column need not be one that Python can write as an attribute.
    fields = "".join(f"        {name!r}: {_TYPES.get(kind, 'str')},\n" for name, kind in table.columns)
    name = class_name(table.name)
    return f"{name} = TypedDict(\n    {name!r},\n    {{\n{fields}    }},\n    total=False,\n)\n"
