"""Defines what the compiler gives: from a document to statements that can be run again and again.

    prepared = prepare_operation(cache, role="user", document=text, operation_name=None, use_backend_only=False)
    variables = prepared.complete(request.variables)   # defaults filled in; everything behind it takes only this
    key = prepared.shape_key(variables)        # hashable; equal keys mean equal plans
    plan = prepared.compile(variables)         # SQL, once per key
    for step in plan.steps: ...                # run with `bind(statement, variables, session_variables, results)`

Hot path: look up `(role, use_backend_only, document, operation_name)` -> PreparedOperation (after a change of the
snapshot: `move_to`, or prepare again), `complete(sent)` -> variables, `shape_key(variables)` -> Plan, then `bind` and
execute. None of them touches an AST. All of them raise `EngineError`; everything about values (an Int out of range, a
missing variable, a null where none may be) is checked for each request, in `complete`, `shape_key` or `bind`.

The two caches (prepared operations, plans per prepared operation) belong to the caller, who bounds them.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType, Protocol

import orjson

from hasura.engine.errors import nested_too_deeply
from hasura.engine.exact_json import Json
from hasura.engine.schema_cache import SchemaCache
from hasura.engine.sql.composition import Sql

Variables = NewType("Variables", Mapping[str, Json])
"""The values of an operation's variables, completed: what was sent, else the default; single values as the lists that
they stand for. Made by `PreparedOperation.complete` alone, so that nobody reads what was sent in its place."""
NO_VARIABLES = Variables({})
SessionVariables = Mapping[str, str]


class OperationKind(StrEnum):
    """Lists the three kinds of operation."""

    QUERY = "query"
    MUTATION = "mutation"
    SUBSCRIPTION = "subscription"


# Takes the value of one statement parameter out of a request: what asyncpg takes for the parameter's type.
ParameterSource = Callable[[Variables, SessionVariables], object]


@dataclass(frozen=True, slots=True)
class PreviousResult:
    """Stands for a parameter that is the result (JSON text) of an earlier statement of the same step."""

    statement: int


@dataclass(frozen=True, slots=True)
class Statement:
    """Holds one SQL statement that gives exactly one row of one column of type json or text.

    Parameters are integers, floats, booleans and UUIDs where the SQL says so (`$1::int4`) and text for everything
    else (`($1::text)::timestamptz`), so the driver needs no codecs of ours. `str` of each is its text. `fragment` is
    the statement before its parameters got numbers: `sql.composition.substitute` puts other SQL in their place, such
    as a column of type text in parentheses (live queries that run for many subscribers at once).
    """

    sql: str
    parameters: tuple[ParameterSource | PreviousResult, ...]
    fragment: Sql
    # Returns the place that an error of it names; None: the step's.
    place: Callable[[Variables], str] | None = None


@dataclass(frozen=True, slots=True)
class SqlStep:
    """Answers a root field by SQL: the last statement's value is the field's JSON.

    Queries have one statement. Mutations have one where SQL allows it; nested inserts, `update_many` and mutations
    whose `returning` reads relationships have more, run in order in one transaction. A failed permission check raises
    a database error which `sql.database_errors.translate` turns into Hasura's.

    With `members` the field is a list: the values of those of its statements are the members, in order.
    """

    alias: str
    statements: tuple[Statement, ...]
    # JSON path of errors the database raises: `$.selectionSet.insert_article.args.objects`.
    error_path: str
    # Response key of the namespace the field stands in; None: at the top.
    namespace: str | None = None
    members: tuple[PreviousResult, ...] | None = None

    def value(self, results: Sequence[bytes]) -> bytes:
        """Returns the field's JSON, made of what all of its statements gave."""
        if self.members is None:
            return results[-1]
        return b"[" + b",".join([results[member.statement] for member in self.members]) + b"]"

    def place_of(self, statement: Statement, variables: Variables) -> str:
        """Returns the place in the request that an error of one of the statements names."""
        return self.error_path if statement.place is None else statement.place(variables)


@dataclass(frozen=True, slots=True)
class ConstantStep:
    """Answers a root field whose value is known: `__typename`, `__schema`, `__type`."""

    alias: str
    value: bytes
    namespace: str | None = None


Step = SqlStep | ConstantStep


def envelope(steps: Sequence[Step]) -> tuple[list[bytes], bytes]:
    """Returns the bytes of an answer's body before the value of each step, and those behind the last one."""
    prefixes: list[bytes] = []
    opened, separator = b'{"data":{', b""
    namespace = None
    for step in steps:
        if step.namespace != namespace:
            opened += b"}" if namespace is not None else b""
            if step.namespace is not None:
                opened += separator + orjson.dumps(step.namespace) + b":{"
                separator = b""
            namespace = step.namespace
        prefixes.append(opened + separator + orjson.dumps(step.alias) + b":")
        opened, separator = b"", b","
    return prefixes, b"}}}" if namespace is not None else b"}}"


@dataclass(frozen=True, slots=True)
class Plan:
    """Holds an operation ready to run. A mutation of more than one statement runs in one transaction, in order."""

    kind: OperationKind
    steps: tuple[Step, ...]
    # Names of the tables the statements read, for change-driven subscriptions.
    tables: frozenset[tuple[str, str]] = frozenset()
    # SQL functions (and views) may read tables that `tables` does not list.
    calls_functions: bool = False
    # A `<table>_stream` subscription: its statement gives a second column, the cursor's last value as text (NULL when
    # no row came), which replaces the `ir.parameters.CursorValue` among the parameters the next time.
    is_stream: bool = False
    # One statement whose columns are the values of all SQL steps, in order: a query of several fields goes to the
    # database once, and its fields are of one snapshot.
    together: Statement | None = None


class PreparedOperation(Protocol):
    """Prepares a validated operation of one document, for one role and snapshot."""

    @property
    def kind(self) -> OperationKind:
        """Returns the kind of the operation."""
        ...

    def complete(self, sent: Mapping[str, Json]) -> Variables:
        """Returns the variables of a request: what was sent, checked against the declarations, and the defaults."""
        ...

    def shape_key(self, variables: Variables) -> Hashable:
        """Returns what of the variables changes SQL."""
        ...

    def compile(self, variables: Variables) -> Plan:
        """Returns the plan for variables of this shape."""
        ...

    def move_to(self, cache: SchemaCache) -> bool:
        """Moves on to another snapshot, its plans still valid; False when something it touches has changed there."""
        ...


def bind(
    statement: Statement,
    variables: Variables,
    session_variables: SessionVariables,
    results: Sequence[str | bytes] = (),
) -> list[object]:
    """Returns the statement's parameters for one request; `results` are those of the step's earlier statements."""
    try:
        return [
            _text(results[source.statement])
            if isinstance(source, PreviousResult)
            else source(variables, session_variables)
            for source in statement.parameters
        ]
    except RecursionError:
        raise nested_too_deeply() from None


def _text(result: str | bytes) -> str:
    return result if isinstance(result, str) else result.decode()
