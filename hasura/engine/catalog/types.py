"""Describes tables, columns, types, constraints and functions, as PostgreSQL's catalogue has them.

Nothing here knows about metadata, roles or GraphQL. All frozen; equal values mean that nothing changed.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple


class QualifiedName(NamedTuple):
    """Names a table or function by schema and name."""

    schema: str
    name: str

    def __str__(self) -> str:
        """Returns the name as Hasura writes it in messages: the schema is left out when it is `public`."""
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"


class TypeKind(StrEnum):
    """Lists the values of `pg_type.typtype`, with arrays told apart."""

    BASE = "base"
    ARRAY = "array"
    DOMAIN = "domain"
    ENUM = "enum"
    COMPOSITE = "composite"
    RANGE = "range"
    MULTIRANGE = "multirange"
    PSEUDO = "pseudo"


@dataclass(frozen=True, slots=True)
class PgType:
    """Describes a type. `name` is `pg_type.typname` (`int4`, `_text`, `varchar`), the base of scalars' names."""

    oid: int
    schema: str
    name: str
    kind: TypeKind = TypeKind.BASE
    # The type of an array's elements.
    element: "PgType | None" = None
    # The type that a domain restricts.
    base: "PgType | None" = None
    # The labels of an enum, in sort order.
    enum_labels: tuple[str, ...] = ()
    # The table or view whose row type a composite type is.
    row_of: QualifiedName | None = None

    @property
    def underlying(self) -> "PgType":
        """Returns what a domain stands for in the end; any other type itself."""
        return self.base.underlying if self.base is not None else self


class Identity(StrEnum):
    """Lists the values of `pg_attribute.attidentity`."""

    NONE = ""
    ALWAYS = "a"
    BY_DEFAULT = "d"


@dataclass(frozen=True, slots=True)
class Column:
    """Describes a column. `position` is `attnum`: it survives a rename, which so differs from a drop and an add."""

    name: str
    position: int
    type: PgType
    is_nullable: bool
    has_default: bool = False
    # A generated column's expression counts as no default; see `is_generated`.
    default: str | None = None
    identity: Identity = Identity.NONE
    is_generated: bool = False
    comment: str | None = None

    @property
    def is_insertable(self) -> bool:
        """Returns whether an INSERT may give it a value."""
        return not self.is_generated and self.identity is not Identity.ALWAYS

    @property
    def is_updatable(self) -> bool:
        """Returns whether an UPDATE may give it a value."""
        return not self.is_generated and self.identity is not Identity.ALWAYS


@dataclass(frozen=True, slots=True)
class UniqueIndex:
    """Holds what ON CONFLICT infers a unique index by that belongs to no constraint.

    SQL as PostgreSQL's catalogue prints it: quoted column names or expressions, and the predicate of a partial index.
    """

    keys: tuple[str, ...]
    predicate: str | None = None


@dataclass(frozen=True, slots=True)
class UniqueConstraint:
    """Describes a primary key, unique constraint or unique index; `columns` in its order, without expressions."""

    name: str
    oid: int
    columns: tuple[str, ...]
    is_primary: bool = False
    # Deferrable: a transaction may violate it until it ends.
    is_deferrable: bool = False
    # None: a constraint.
    index: UniqueIndex | None = None

    @property
    def is_of_all_rows(self) -> bool:
        """Returns whether no two rows have the same values in `columns`: no index of some rows, or of expressions."""
        return self.index is None or (self.index.predicate is None and len(self.index.keys) == len(self.columns))

    def covers(self, columns: Collection[str]) -> bool:
        """Returns whether these very columns are unique."""
        return self.is_of_all_rows and set(self.columns) == set(columns)


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Describes a foreign key: `columns[i]` refers to `referenced_columns[i]`."""

    name: str
    oid: int
    columns: tuple[str, ...]
    referenced_table: QualifiedName
    referenced_columns: tuple[str, ...]
    referenced_oid: int = 0
    # In a partition: the oid of the partitioned table's foreign key that this one is a copy of.
    inherited_from: int = 0


class TableKind(StrEnum):
    """Lists the values of `pg_class.relkind`."""

    TABLE = "r"
    PARTITIONED = "p"
    VIEW = "v"
    MATERIALIZED_VIEW = "m"
    FOREIGN = "f"


@dataclass(frozen=True)
class Table:
    """Describes a table, view, materialized view or foreign table."""

    oid: int
    name: QualifiedName
    kind: TableKind
    columns: tuple[Column, ...]
    primary_key: UniqueConstraint | None = None
    # Without the primary key.
    unique_constraints: tuple[UniqueConstraint, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    comment: str | None = None
    # For views from `pg_relation_is_updatable`, triggers included as Hasura does. True for tables.
    is_insertable: bool = True
    is_updatable: bool = True
    is_deletable: bool = True
    # Other tables inherit from it (not as partitions): its keys do not cover their rows, which it shows too.
    has_children: bool = False
    # A rough count from when this was read; tables that differ only in it are equal.
    estimated_rows: int = field(default=0, compare=False)
    # A rough count of each column's values, where PostgreSQL has one; tables that differ only in it are equal.
    distinct_values: Mapping[str, int] = field(default_factory=dict, compare=False)
    # The leading columns of each sorted index of all rows.
    indexes: frozenset[tuple[str, ...]] = frozenset()
    # Columns by whose values an index finds rows.
    found_by: frozenset[str] = frozenset()

    @cached_property
    def columns_by_name(self) -> Mapping[str, Column]:
        """Returns the columns under their names."""
        return {column.name: column for column in self.columns}

    @property
    def all_unique_constraints(self) -> tuple[UniqueConstraint, ...]:
        """Returns the unique constraints, the primary key first."""
        return ((self.primary_key,) if self.primary_key else ()) + self.unique_constraints

    def sorted_within(self, columns: Collection[str]) -> frozenset[str]:
        """Returns the columns by which an index sorts the rows that have one value in each of `columns`."""
        count = len(columns)
        return frozenset(
            index[count] for index in self.indexes if len(index) > count and set(index[:count]) == set(columns)
        )

    def rows_per_value(self, columns: Collection[str]) -> int | None:
        """Returns about how many rows have the same values in the columns, at most; None where nobody knows."""
        known = [self.distinct_values[column] for column in columns if column in self.distinct_values]
        return max(1, self.estimated_rows // max(known)) if known else None

    def has_at_most_one(self, columns: Collection[str]) -> bool:
        """Returns whether a value of each of the columns picks at most one row, at any moment of a transaction."""
        return not self.has_children and any(
            key.is_of_all_rows and not key.is_deferrable and set(key.columns) <= set(columns)
            for key in self.all_unique_constraints
        )


class Volatility(StrEnum):
    """Lists the values of `pg_proc.provolatile`."""

    IMMUTABLE = "i"
    STABLE = "s"
    VOLATILE = "v"


@dataclass(frozen=True, slots=True)
class FunctionArgument:
    """Describes an input argument (IN, INOUT); `name` is None when it was declared without one."""

    name: str | None
    type: PgType
    has_default: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """Describes a function. Overloads are several `Function`s with one name."""

    oid: int
    name: QualifiedName
    arguments: tuple[FunctionArgument, ...]
    return_type: PgType
    returns_set: bool = False
    # The table, view or materialized view whose rows it returns (`returns t`, `returns setof t`).
    returned_table: QualifiedName | None = None
    volatility: Volatility = Volatility.VOLATILE
    is_variadic: bool = False
    is_aggregate: bool = False
    comment: str | None = None


@dataclass(frozen=True)
class Catalog:
    """Holds what was read for one set of names: an entry is missing when the database has no such object."""

    tables: Mapping[QualifiedName, Table] = field(default_factory=dict)
    functions: Mapping[QualifiedName, tuple[Function, ...]] = field(default_factory=dict)
