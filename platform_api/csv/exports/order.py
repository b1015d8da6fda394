"""Pages through rows in any order: each page begins after the last row of the one before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from platform_api.core.errors import Unprocessable
from platform_api.tables.ddl.column_types import ColumnType
from platform_api.tables.definition import TableDefinition

_ALIAS = "automio_order_"


def check_order(definition: TableDefinition, order_by: Sequence[Mapping[str, str]]) -> None:
    """Raises Unprocessable unless rows of the table can be ordered so."""
    known = definition.column_names
    without_order = {column.name for column in definition.columns if column.type is ColumnType.JSON}
    names = [name for item in order_by for name in item]
    if any(len(item) != 1 for item in order_by) or len(set(names)) < len(names):
        raise Unprocessable(
            'order_by: name each column once, as in [{"price": "desc"}, {"code": "asc"}]', field="order_by"
        )
    for name in names:
        if name not in known:
            raise Unprocessable(
                f"order_by: the table has no column {name!r}; it has: {', '.join(known)}", field="order_by"
            )
        if name in without_order:
            raise Unprocessable(f"order_by: {name} holds JSON, which has no order; leave it out", field="order_by")


@dataclass(frozen=True, slots=True)
class Order:
    """Holds columns and directions, the id last. As in PostgreSQL, null is greater than every value."""

    columns: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, order_by: Sequence[Mapping[str, str]]) -> "Order":
        """Returns the order of a request; columns after the id change nothing."""
        columns: list[tuple[str, str]] = []
        for name, direction in (*(pair for item in order_by for pair in item.items()), ("id", "asc")):
            columns.append((name, direction))
            if name == "id":
                break
        return cls(tuple(columns))

    @property
    def argument(self) -> str:
        """Returns the value of GraphQL's `order_by`."""
        return "[" + ", ".join(f"{{{name}: {direction}}}" for name, direction in self.columns) + "]"

    @property
    def selection(self) -> str:
        """Returns the fields of a row that `place` reads."""
        return " ".join(f"{_ALIAS}{number}: {name}" for number, (name, _) in enumerate(self.columns))

    def place(self, row: Mapping[str, Any]) -> list[Any]:
        """Returns where a row stands in the order."""
        return [row[f"{_ALIAS}{number}"] for number in range(len(self.columns))]

    def after(self, place: Sequence[Any]) -> dict[str, Any]:
        """Returns the `where` of the rows that come after a place."""
        alternatives: list[dict[str, Any]] = []
        equal: list[dict[str, Any]] = []
        for (name, direction), value in zip(self.columns, place, strict=True):
            if (beyond := _beyond(name, direction, value)) is not None:
                alternatives.append({"_and": [*equal, beyond]})
            equal.append({name: {"_is_null": True} if value is None else {"_eq": value}})
        return {"_or": alternatives}


def _beyond(name: str, direction: str, value: Any) -> dict[str, Any] | None:
    if direction == "desc":
        return {name: {"_is_null": False} if value is None else {"_lt": value}}
    if value is None:
        return None
    return {"_or": [{name: {"_gt": value}}, {name: {"_is_null": True}}]}
