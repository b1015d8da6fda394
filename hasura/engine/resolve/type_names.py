"""Knows which types of the schema a table or function brings, so that no two objects bring one of the same name.

Two tables meet where the longer name is the other's with the beginning of one of its suffixes: `t` and `t_max` both
have a `t_max_order_by`. So a table is compared with those whose names its own could come from, not with all.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from immutables import Map

from hasura.engine.catalog.types import PgType, QualifiedName
from hasura.engine.metadata.types import SourceCustomization
from hasura.engine.names import NamingConvention
from hasura.engine.schema.inputs.filters import AGGREGATE_PREDICATES
from hasura.engine.schema.inputs.orders import AGGREGATES, NUMERIC_AGGREGATES
from hasura.engine.schema.naming import Naming
from hasura.engine.schema.scalars import is_array, is_comparable, is_numeric, scalar_for
from hasura.engine.schema_cache import FunctionInfo, SchemaOptions, TableInfo

_ALWAYS = (
    *("", "bool_exp", "order_by", "select_column", "aggregate", "aggregate_fields"),
    *("stream_cursor_input", "stream_cursor_value_input"),
)
_INSERTABLE = ("insert_input", "obj_rel_insert_input")
_UPSERTABLE = ("on_conflict", "constraint", "update_column")
_UPDATABLE = ("set_input", "updates")
_DOCUMENTS = ("append_input", "prepend_input", "delete_at_path_input", "delete_elem_input", "delete_key_input")
_RELATED = (
    *("aggregate_order_by", "aggregate_bool_exp", "arr_rel_insert_input"),
    *(f"{function}_order_by" for function in AGGREGATES),
    *(f"aggregate_bool_exp_{predicate.function}" for predicate in AGGREGATE_PREDICATES),
)
_SUFFIXES = (
    *_ALWAYS,
    *_INSERTABLE,
    *_UPSERTABLE,
    *_UPDATABLE,
    *_DOCUMENTS,
    *_RELATED,
    *(f"{function}_fields" for function in AGGREGATES),
    *("mutation_response", "pk_columns_input", "inc_input", "enum", "enum_comparison_exp"),
)
_MAX_NAMES = 3
_OF_THE_SOURCE = ("table ", "function ")
_BUILT_IN = ("Int", "Float", "String", "Boolean", "ID", "query_root", "mutation_root", "subscription_root")


class TypeNames:
    """Holds the names of types while a change is worked in; `finish` gives the state for the next change."""

    def __init__(
        self, state: "TypeNameState", options: SchemaOptions, is_related: Callable[[TableInfo], bool]
    ) -> None:
        """Takes `is_related`, which tells whether some table has an array relationship to this one."""
        self._tables = state.tables.mutate()
        self._arguments = state.arguments.mutate()
        self._shared = state.shared.mutate()
        self._naming = Naming(options.convention, options.customization)
        shared = (("order_by", ""), ("cursor_ordering", ""), ("Int", "comparison_exp"))
        self._reserved = {*_BUILT_IN, *(self._naming.type(base, suffix) for base, suffix in shared)}
        self._is_related = is_related
        self._ends = _ends(options.convention)
        # By the identity of a type, which many columns share; the type is kept with it so that it stays its own.
        self._known_types: dict[int, tuple[PgType, _TypeFacts]] = {}
        custom = options.customization
        self._is_customized = bool(custom.type_names_prefix or custom.type_names_suffix)

    def finish(self) -> "TypeNameState":
        return TypeNameState(self._tables.finish(), self._arguments.finish(), self._shared.finish())

    # --- tables ----------------------------------------------------------------------------------------------------

    def remove_table(self, table: TableInfo) -> None:
        if not table.is_exposed:
            return
        del self._tables[self._base(table)]
        for name in self._arguments_of(table):
            self._arguments.pop(name, None)
        for name in self._brought_by(_types_of(table)):
            self._count(name, -1)

    def add_table(self, table: TableInfo, find: Callable[[QualifiedName], TableInfo]) -> list[str]:
        """Adds what the table brings, or returns why not, for each of its types whose name is another's already."""
        if not table.is_exposed:
            return []
        owner = f"table {table.name}"
        own = self._own_names(table)
        taken = {name: other for name in self._perhaps_taken(own) if (other := self._taken_alone(name)) is not None}
        for base in self._neighbours(table):
            neighbour = find(self._tables[base])
            for name in own & self._own_names(neighbour):
                taken.setdefault(name, f"table {neighbour.name}")
        brought = self._brought_by(_types_of(table))
        for name in brought:
            if name in own:
                taken.setdefault(name, "the types of its own columns")
            elif name not in self._shared and (other := self._table_with(name, find)) is not None:
                taken.setdefault(name, other)
        if taken:
            return _reasons(taken, owner)
        self._tables[self._base(table)] = table.name
        for name in self._arguments_of(table):
            self._arguments[name] = owner
        for name in brought:
            self._count(name, 1)
        return []

    def _base(self, table: TableInfo) -> str:
        return self._naming.plain_type(table.graphql_name)

    def _own_names(self, table: TableInfo) -> set[str]:
        base, form = self._base(table), self._form_of(table)
        names = {base + self._ends[suffix] for suffix in _suffixes_of(form)}
        if self._is_customized:
            names = set(map(self._naming.customized_type, names))
        return names.union(self._odd_names(table, form), self._arguments_of(table))

    def _odd_names(self, table: TableInfo, form: "_Form") -> Iterator[str]:
        """Yields the names of types that do not follow the others' rule."""
        naming, base = self._naming, table.graphql_name
        if form.is_related:
            yield naming.plain_type(base, "aggregate_bool_exp")
            for predicate in AGGREGATE_PREDICATES:
                yield naming.aggregate_predicate(base, predicate.function)
        if form.is_enum:
            yield naming.type(f"{base}_enum", "comparison_exp")

    def _form_of(self, table: TableInfo) -> "_Form":
        catalog, types = table.table, [self._facts(column.type) for column in table.exposed_columns]
        return _Form(
            is_numeric=any(facts.is_numeric for facts in types),
            is_comparable=any(facts.is_comparable for facts in types),
            has_documents=any(facts.is_document for facts in types),
            is_related=self._is_related(table),
            is_insertable=catalog.is_insertable,
            is_upsertable=bool(catalog.all_unique_constraints),
            is_updatable=catalog.is_updatable,
            is_deletable=catalog.is_deletable,
            has_key=catalog.primary_key is not None,
            is_enum=bool(table.enum_values),
        )

    def _facts(self, pg_type: PgType) -> "_TypeFacts":
        known = self._known_types.get(id(pg_type))
        if known is None:
            known = self._known_types[id(pg_type)] = (pg_type, _facts_of(pg_type, self._naming))
        return known[1]

    def _brought_by(self, types: Iterable[PgType]) -> set[str]:
        """Returns the scalars of these types, and what compares them."""
        return {name for pg_type in types for name in self._facts(pg_type).names}

    def _arguments_of(self, table: TableInfo) -> list[str]:
        return [
            self._naming.type(f"{computed.name}_{table.graphql_name}_args")
            for computed in table.computed_fields.values()
            if computed.input_arguments
        ]

    def _neighbours(self, table: TableInfo) -> list[str]:
        """Returns the names of tables some of whose types may be called as some of this one's."""
        base, tables, remainders = self._base(table), self._tables, _remainders(self._naming.convention)
        near = [base, *(base + remainder for remainder in remainders)]
        if base.endswith(remainders):
            near += (base[: -len(remainder)] for remainder in remainders if base.endswith(remainder))
        return [name for name in near if name in tables]

    def _perhaps_taken(self, names: set[str]) -> list[str]:
        """Returns those of many names that `_taken_alone` may know."""
        reserved, shared, arguments = self._reserved, self._shared, self._arguments
        return [
            name for name in names if name in shared or name in arguments or name in reserved or name.startswith("__")
        ]

    def _taken_alone(self, name: str) -> str | None:
        """Returns what has this name already that is no table's."""
        if name in self._reserved or name.startswith("__"):
            return "the schema itself"
        if name in self._shared:
            return "the types of columns and arguments"
        return self._arguments.get(name)

    def _table_with(self, name: str, find: Callable[[QualifiedName], TableInfo]) -> str | None:
        """Returns the table that brings a type of this name."""
        custom = self._naming.customization
        for suffix in _SUFFIXES:
            end = self._ends[suffix]
            for before, after in {(custom.type_names_prefix, custom.type_names_suffix), ("", "")}:
                base = name.removeprefix(before).removesuffix(after).removesuffix(end)
                owner = self._tables.get(base)
                if owner is not None and name in self._own_names(table := find(owner)):
                    return f"table {table.name}"
        return None

    def _count(self, name: str, change: int) -> None:
        count = self._shared.get(name, 0) + change
        if count:
            self._shared[name] = count
        else:
            del self._shared[name]

    # --- functions -------------------------------------------------------------------------------------------------

    def remove_function(self, function: FunctionInfo) -> None:
        if function.input_arguments:
            self._arguments.pop(self._naming.type(function.arguments_type), None)
            for name in self._brought_by(_argument_types(function)):
                self._count(name, -1)

    def add_function(self, function: FunctionInfo, find: Callable[[QualifiedName], TableInfo]) -> list[str]:
        """Adds the function's input type, or returns why not, in the same words."""
        if not function.input_arguments:
            return []
        owner, name = f"function {function.name}", self._naming.type(function.arguments_type)
        brought = self._brought_by(_argument_types(function))
        taken = {name: other} if (other := self._taken_alone(name) or self._table_with(name, find)) else {}
        for scalar in sorted(brought):
            if scalar not in self._shared and (other := self._table_with(scalar, find)) is not None:
                taken[scalar] = other
        if taken:
            return _reasons(taken, owner)
        self._arguments[name] = owner
        for scalar in brought:
            self._count(scalar, 1)
        return []


class TypeNameState:
    """Holds bases of tables' type names, input types of arguments with owners, how often scalars are used."""

    def __init__(
        self,
        tables: "Map[str, QualifiedName] | None" = None,
        arguments: "Map[str, str] | None" = None,
        shared: "Map[str, int] | None" = None,
    ) -> None:
        self.tables: Map[str, QualifiedName] = tables if tables is not None else Map()
        self.arguments: Map[str, str] = arguments if arguments is not None else Map()
        self.shared: Map[str, int] = shared if shared is not None else Map()


class _TypeFacts(NamedTuple):
    """Holds what a type of a column or argument means for names."""

    # The scalar and what compares it: any object may use them, and none has them for itself.
    names: tuple[str, ...]
    is_numeric: bool
    is_comparable: bool
    is_document: bool


def _facts_of(pg_type: PgType, naming: Naming) -> _TypeFacts:
    return _TypeFacts(
        tuple(_shared_names(naming, pg_type)),
        is_numeric(pg_type),
        is_comparable(pg_type),
        pg_type.underlying.name == "jsonb",
    )


def _shared_names(naming: Naming, pg_type: PgType) -> Iterator[str]:
    base = pg_type.underlying
    element = base.element if is_array(base) else None
    scalar = scalar_for(element if element is not None else base).name
    if scalar not in _BUILT_IN:
        yield scalar
    yield naming.type(f"{scalar}_array" if element is not None else scalar, "comparison_exp")
    if scalar == "jsonb":
        yield naming.type("jsonb", "cast_exp")
        yield naming.type("String", "comparison_exp")


class _Form(NamedTuple):
    """Holds what of a table decides which types it brings; many tables have the same."""

    is_numeric: bool
    is_comparable: bool
    has_documents: bool
    is_related: bool
    is_insertable: bool
    is_upsertable: bool
    is_updatable: bool
    is_deletable: bool
    has_key: bool
    is_enum: bool


@lru_cache(maxsize=1024)
def _suffixes_of(form: _Form) -> tuple[str, ...]:
    """Returns the suffixes of a table's types, without those of odd names."""
    return tuple(_regular_suffixes(form))


def _regular_suffixes(form: _Form) -> Iterator[str]:
    yield from _ALWAYS
    for function in AGGREGATES:
        has_columns = form.is_numeric if function in NUMERIC_AGGREGATES else form.is_comparable
        if has_columns:
            yield f"{function}_fields"
            if form.is_related:
                yield f"{function}_order_by"
    if form.is_related:
        yield from ("aggregate_order_by", "arr_rel_insert_input")
    if form.is_insertable:
        yield from _INSERTABLE
        if form.is_upsertable:
            yield from _UPSERTABLE
    if form.is_updatable:
        yield from _UPDATABLE
        if form.is_numeric:
            yield "inc_input"
        if form.has_documents:
            yield from _DOCUMENTS
        if form.has_key:
            yield "pk_columns_input"
    if form.is_insertable or form.is_updatable or form.is_deletable:
        yield "mutation_response"
    if form.is_enum:
        yield "enum"


def _types_of(table: TableInfo) -> list[PgType]:
    types = [column.type for column in table.exposed_columns]
    for computed in table.computed_fields.values():
        types += [argument.type for argument in computed.input_arguments]
        if computed.returned_table is None:
            types.append(computed.function.return_type)
    return types


def _argument_types(function: FunctionInfo) -> list[PgType]:
    return [argument.type for argument in function.input_arguments]


@lru_cache(maxsize=2)
def _ends(convention: NamingConvention) -> Mapping[str, str]:
    """Returns what stands behind the base in the names of types, by suffix."""
    naming = Naming(convention, SourceCustomization())
    return {suffix: naming.plain_type("x", suffix)[1:] for suffix in _SUFFIXES}


@lru_cache(maxsize=2)
def _remainders(convention: NamingConvention) -> tuple[str, ...]:
    """Returns what is left of a suffix without another that it ends with, so that `x` + one is `x…` + the other."""
    ends = set(_ends(convention).values())
    remainders = {
        suffix[: len(suffix) - len(other)]
        for suffix in ends
        for other in ends
        if suffix.endswith(other) and suffix != other
    }
    return tuple(sorted(remainders))


def _reasons(taken: Mapping[str, str], owner: str) -> list[str]:
    """Returns one reason for each other object that has names of the owner's already."""
    names: dict[str, list[str]] = {}
    for name, other in sorted(taken.items()):
        names.setdefault(other, []).append(f"'{name}'")
    return [_reason(listed, other, owner) for other, listed in names.items()]


def _reason(names: list[str], other: str, owner: str) -> str:
    shown = ", ".join(names[:_MAX_NAMES]) + (
        f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    )
    both = [f"{item} in source default" if item.startswith(_OF_THE_SOURCE) else item for item in (other, owner)]
    return (
        f"Encountered conflicting definitions for the {'type' if len(names) == 1 else 'types'} {shown} "
        f"defined in [{', '.join(both)}]. "
        "Types must not be defined more than once across all sources: give one of them a custom name."
    )
