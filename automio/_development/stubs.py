"""Writes type stubs of an app, so that editors complete tables, integrations and the globals of plugins.

typings/automio_app.pyi    rows and names of tables, ids of integrations, their operations, the event
__builtins__.pyi           the global `api` of plugin code (Pyright and editors that use it read this file)
"""

import keyword
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from automio._decode import as_list, as_object
from automio._development.folder import write_file
from automio._development.platform import Development
from automio._exceptions import Forbidden, NotFound
from automio._settings import AppId

_MAX_OPERATIONS = 2_000
_HEADER = "# Written by `automio pull`; changes are lost with the next one.\n"
# The types of GraphQL answers: decimals, and integers too large for JavaScript, are text.
_TYPES = {
    "text": "str",
    "integer": "int",
    "bigint": "int | str",
    "numeric": "int | float | str",
    "float": "float",
    "boolean": "bool",
    "date": "str",
    "timestamptz": "str",
    "uuid": "str",
    "json": "Any",
    "reference": "str",
    "choice": "str",
}


def write_stubs(root: Path, platform: Development, app: AppId) -> list[str]:
    """Writes both stubs of an app into a folder; returns notes about what is missing in them."""
    notes: list[str] = []
    operations: dict[str, list[tuple[str, str]]] = {}
    integrations: list[str] = []
    try:
        for integration in platform.integrations():
            integrations.append(integration.integration_id)
            if integration.is_global is False:
                operations[integration.integration_id] = _operations(platform, integration.integration_id)
    except Forbidden as error:
        notes.append(f"the stubs contain no integrations: {error}")
    write_file(root, "typings/automio_app.pyi", render(platform.tables(app), integrations, operations))
    write_file(root, "__builtins__.pyi", _BUILTINS)
    return notes


def render(
    tables: Sequence[Mapping[str, Any]],
    integrations: Sequence[str],
    operations: Mapping[str, Sequence[tuple[str, str]]],
) -> str:
    """Returns the text of `automio_app.pyi`."""
    # `order_lines` and `orderLines` have the same class name.
    names = _distinct([_class_name(str(table.get("name"))) for table in tables])
    parts = [_HEADER, _IMPORTS, _EVENT, *(_table(name, table) for name, table in zip(names, tables, strict=True))]
    parts.append(_literal("TableName", [str(table.get("name")) for table in tables]))
    parts.append(_literal("GraphqlName", [str(table.get("graphql_name")) for table in tables]))
    parts.append(_literal("IntegrationId", integrations))
    names = _distinct([_class_name(integration) for integration in operations])
    for name, listed in zip(names, operations.values(), strict=True):
        parts.append(_literal(f"{name}Operation", [f"{method} {path}" for method, path in listed]))
        parts.append(_literal(f"{name}Path", sorted({path for _, path in listed})))
        parts.append(_literal(f"{name}Method", sorted({method for method, _ in listed})))
    return "\n".join(part for part in parts if part)


_IMPORTS = "from typing import Any, Literal, NotRequired, TypedDict\n"
_EVENT = '''class Event(TypedDict):
    """The argument of an action's function."""

    user_input: dict[str, Any]
    selected_rows: list[str]
    selected_all: bool
    filter_params: dict[str, Any]
'''
_BUILTINS = f"""{_HEADER}from automio.wrapper import API

api: API
"""


def _operations(platform: Development, integration_id: str) -> list[tuple[str, str]]:
    operations = []
    try:
        for operation in platform.operations(integration_id):
            operations.append((operation.method.upper(), operation.path))
            if len(operations) == _MAX_OPERATIONS:
                break
    except NotFound:
        # An older platform, or a definition without a list of operations.
        return []
    return operations


def _distinct(names: Sequence[str]) -> list[str]:
    """Returns the names with a number added to repeated ones."""
    distinct_names: list[str] = []
    for name in names:
        number = 2
        distinct = name
        while distinct in distinct_names:
            distinct, number = f"{name}_{number}", number + 1
        distinct_names.append(distinct)
    return distinct_names


def _table(name: str, table: Mapping[str, Any]) -> str:
    """Returns two types for the rows of a table: as they are read, and as they are inserted."""
    columns = [as_object(column) for column in as_list(table.get("columns"))]
    read = [(str(column.get("name")), _read_type(column)) for column in columns]
    written = [(str(column.get("name")), _written_type(column)) for column in columns if _is_writable(column)]
    description = f'"""Rows of `{table.get("graphql_name")}`."""'
    return f"{_typed_dict(f'{name}Row', read)}{description}\n{_typed_dict(f'{name}Insert', written)}"


def _typed_dict(name: str, fields: Sequence[tuple[str, str]]) -> str:
    # The functional form allows column names that are Python keywords.
    lines = "".join(f"        {field!r}: {annotation},\n" for field, annotation in fields)
    return f"{name} = TypedDict(\n    {name!r},\n    {{\n{lines}    }},\n)\n"


def _is_writable(column: Mapping[str, Any]) -> bool:
    return not column.get("is_system") or column.get("name") in ("id", "connection_id")


def _read_type(column: Mapping[str, Any]) -> str:
    return _type(column) if column.get("required") else f"{_type(column)} | None"


def _written_type(column: Mapping[str, Any]) -> str:
    needed = column.get("required") and column.get("default") is None and not column.get("is_system")
    return _read_type(column) if needed else f"NotRequired[{_read_type(column)}]"


def _type(column: Mapping[str, Any]) -> str:
    choices = [choice for choice in as_list(column.get("choices")) if isinstance(choice, str)]
    if column.get("type") == "choice" and choices:
        return f"Literal[{', '.join(map(repr, choices))}]"
    return _TYPES.get(str(column.get("type")), "Any")


def _literal(name: str, values: Sequence[str]) -> str:
    if not values:
        return ""
    lines = "".join(f"    {value!r},\n" for value in values)
    return f"{name} = Literal[\n{lines}]\n"


def _class_name(text: str) -> str:
    """Returns a class name, for example `OrderLines` for `order_lines` and `order-lines`."""
    name = "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", text))
    return f"_{name}" if not name or name[0].isdigit() or keyword.iskeyword(name) else name
