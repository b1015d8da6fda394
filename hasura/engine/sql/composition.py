"""Composes SQL text that can only be put together from safe pieces.

A `Sql` is immutable text in which every identifier is quoted, every value is a numbered parameter or a small
integer, and every keyword stood as a literal in our source (`LiteralString`, checked by mypy; and at run time
nothing but a `Sql` joins a `Sql`). User input reaches a statement as a `Parameter` or through `ident`.

Parameters are objects until `render` numbers them: the same object used twice is one `$n`. What a parameter object
is, is the caller's matter (see `plan.py`); here it only has an identity and the type to cast it to.

    statement = sql("select ") + ident("name") + sql(" from ") + qualified(table) + sql(" where id = ") + param(key)
    text, parameters = render(statement)
"""

from collections.abc import Callable, Hashable, Iterable
from typing import LiteralString

# An identifier of PostgreSQL holds at most 63 bytes; longer aliases would be cut and could collide.
MAX_IDENTIFIER_BYTES = 63


class _Parameter:
    """Marks the place of one parameter in a fragment."""

    __slots__ = ("value",)

    def __init__(self, value: Hashable) -> None:
        self.value = value


_Part = str | _Parameter


class Sql:
    """Holds an immutable piece of SQL. Make it with `sql`, `ident`, `param` ...; combine with `+` and `join`."""

    __slots__ = ("_parts",)

    def __init__(self, parts: tuple[_Part, ...], *, _made_by: object = None) -> None:
        if _made_by is not _KEY:
            raise TypeError("make SQL with sql(), ident(), param(), small_int() or join(), not from raw text")
        self._parts = parts

    def __add__(self, other: "Sql") -> "Sql":
        if not isinstance(other, Sql):
            raise TypeError(f"only SQL joins SQL, not {type(other).__name__}")
        return Sql(self._parts + other._parts, _made_by=_KEY)

    def __bool__(self) -> bool:
        return bool(self._parts)

    def __repr__(self) -> str:
        return f"Sql({render(self)[0]!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sql) and render(self) == render(other)

    def __hash__(self) -> int:
        return hash(render(self)[0])


_KEY = object()
EMPTY = Sql((), _made_by=_KEY)


def sql(text: LiteralString) -> Sql:
    """Returns static SQL that stands in our own source."""
    return Sql((text,) if text else (), _made_by=_KEY)


def quote_identifier(name: str) -> str:
    """Returns `name` as PostgreSQL reads it back unchanged; raises ValueError for what no identifier can hold."""
    if not name or "\x00" in name:
        raise ValueError("an identifier is not empty and holds no zero byte")
    return '"' + name.replace('"', '""') + '"'


def ident(*names: str) -> Sql:
    """Returns one identifier, or several joined with dots, always quoted."""
    return Sql((".".join(quote_identifier(name) for name in names),), _made_by=_KEY)


def small_int(value: int) -> Sql:
    """Returns a whole number written into the text; only for what is part of a plan's key (a small limit)."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("only a whole number may be written into SQL text")
    return Sql((str(int(value)),), _made_by=_KEY)


def string_constant(value: str) -> Sql:
    """Returns a quoted text constant, for names out of the schema (type names, keys of a JSON object).

    Never for values of a request: those are parameters.
    """
    if "\x00" in value:
        raise ValueError("PostgreSQL text holds no zero byte")
    quoted = "'" + value.replace("'", "''") + "'"
    if "\\" in quoted:
        quoted = " E" + quoted.replace("\\", "\\\\")
    return Sql((quoted,), _made_by=_KEY)


def catalog_expression(text: str) -> Sql:
    """Returns an expression as PostgreSQL's catalogue prints it (a column default). Nothing of a request."""
    return Sql((f"({text})",), _made_by=_KEY)


def param(value: Hashable) -> Sql:
    """Returns a parameter; equal values share one number."""
    return Sql((_Parameter(value),), _made_by=_KEY)


def join(separator: LiteralString, fragments: Iterable[Sql]) -> Sql:
    """Returns the fragments with `separator` between them."""
    parts: list[_Part] = []
    for number, fragment in enumerate(fragments):
        if not isinstance(fragment, Sql):
            raise TypeError(f"only SQL joins SQL, not {type(fragment).__name__}")
        if number:
            parts.append(separator)
        parts.extend(fragment._parts)
    return Sql(tuple(parts), _made_by=_KEY)


def concat(*fragments: Sql) -> Sql:
    """Returns the fragments one after the other."""
    return join("", fragments)


def parenthesized(fragment: Sql) -> Sql:
    """Returns `(fragment)`."""
    return sql("(") + fragment + sql(")")


def render(fragment: Sql) -> tuple[str, tuple[Hashable, ...]]:
    """Returns the text with `$1`, `$2`, ... and the parameters in that order."""
    numbers: dict[Hashable, int] = {}
    pieces: list[str] = []
    for part in fragment._parts:
        if isinstance(part, str):
            pieces.append(part)
        else:
            number = numbers.setdefault(part.value, len(numbers) + 1)
            pieces.append(f"${number}")
    return "".join(pieces), tuple(numbers)


def substitute(fragment: Sql, replacement: Callable[[Hashable], Sql]) -> Sql:
    """Returns the fragment with each parameter replaced by `replacement(parameter)`."""
    parts: list[_Part] = []
    for part in fragment._parts:
        if isinstance(part, str):
            parts.append(part)
        else:
            parts.extend(replacement(part.value)._parts)
    return Sql(tuple(parts), _made_by=_KEY)
