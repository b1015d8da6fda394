"""Documents and variables out of a schema's grammar: mostly valid, often nearly so, sometimes nonsense.

Everything comes from one `random.Random`: the same seed makes the same requests.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_composite_type,
)

from hasura.engine.exact_json import number

_UUID = "550e8400-e29b-41d4-a716-446655440000"
_TEXTS = [
    "", "a", "b", "ab", "%a%", "(", "[", "\\", "$.a[0]", "$.a.b", "{a,b}", "{", "x" * 300, "ż🦀", "\u0000", "'; --",
    "1", "1.5", "true", "null", "NaN", "Infinity", "2024-01-01", "2024-13-45", _UUID, "low", "poem",
]  # fmt: skip
_NUMBERS: list[Any] = [
    0, 1, 2, 3, -1, 7, 100, 1000, 1001, 2**31 - 1, 2**31, -(2**31) - 1, 2**63 - 1, 2**63, 10**30, 0.5, 5.0, 1e300,
    number("1e400"), number("12345678901234567.89"), number("1e-400"), number("-0.0"), number("1" * 5000),
]  # fmt: skip
_VALUES: dict[str, list[Any]] = {
    "bpchar": ["a", "ab"], "bytea": ["\\xde", "x"], "char": ["c"], "cidr": ["10.0.0.0/8"], "citext": ["a", "A"],
    "date": ["2024-01-01", "infinity", "x"], "datemultirange": ["{}", "{[2024-01-01,2024-02-01)}"],
    "hstore": ["a=>1", "x"], "inet": ["10.0.0.1/24", "x"], "int4range": ["[1,2)", "empty", "x"],
    "interval": ["1 day", "x"], "json": [{"a": 1}, [1], "x"], "jsonb": [{"a": 1}, {"a": {"b": [1]}}, [1, 2], "x", 1],
    "lquery": ["*.a", "x y"], "ltree": ["a.b", "..x"], "ltxtquery": ["a & b", "&"], "macaddr": ["08:00:2b:01:02:03"],
    "money": ["$1", 1, "x"], "mood": ["ok", "sad", "none"], "numrange": ["[1.5,2)"], "oid": [1, "x"],
    "pair_scalar": ["(1,x)", {"a": 1}], "point": ["(1,2)"], "smallint": [1, 70000, "2"],
    "time": ["10:00", "25:00"], "timestamp": ["2024-01-01T00:00:00", "now"], "timetz": ["10:00+01"],
    "tsvector": ["a b"], "vector": ["[1,2,3]", [1, 2, 3], "[1]"],
    "_int4": [[1, 2], "{1,2}", "{"], "_mood": [["ok"], "{ok}"], "_numeric": [[1.5], "{NaN}"],
}  # fmt: skip
_NAMES = ["id", "nope", "__typename", "title", "_and", "_eq"]


@dataclass(slots=True)
class Request:
    """One request; `kind` is that of its operation."""

    kind: str
    query: str
    variables: dict[str, Any]


@dataclass(slots=True)
class _Document:
    """What a document gathers while its fields are made."""

    declared: list[str] = field(default_factory=list)
    sent: dict[str, Any] = field(default_factory=dict)
    fragments: list[str] = field(default_factory=list)


class Fuzzer:
    """Makes requests for a schema."""

    def __init__(self, schema: GraphQLSchema, seed: int) -> None:
        self._schema = schema
        self._random = random.Random(seed)

    def requests(self, count: int) -> Iterator[Request]:
        for _ in range(count):
            yield self._request()

    def _request(self) -> Request:
        kind, root = self._one(
            [
                ("query", self._schema.query_type),
                ("query", self._schema.query_type),
                ("mutation", self._schema.mutation_type),
                ("subscription", self._schema.subscription_type),
            ]
        )
        assert root is not None
        document = _Document()
        fields = 1 if kind == "subscription" else self._one([1, 1, 1, 2, 3])
        selection = " ".join(self._field(document, root, depth=3) for _ in range(fields))
        head = f"({', '.join(document.declared)})" if document.declared else ""
        query = f"{kind} F{head} {{ {selection} }} {' '.join(document.fragments)}"
        if self._rarely(40):
            query = self._broken(query)
        if self._rarely(30):
            document.sent[self._one(["v0", "v1", "other"])] = self._nonsense(3)
        return Request(kind, query, document.sent)

    def _broken(self, text: str) -> str:
        """With something left out, doubled or put in."""
        start = self._random.randrange(len(text))
        end = min(len(text), start + self._random.randrange(1, 12))
        return self._one(
            [text[:start] + text[end:], text[:end] + text[start:], text[:start] + "}$@!{" + text[start:]]
        )

    # --- selections ----------------------------------------------------------------------------------------------

    def _field(self, document: _Document, parent: GraphQLObjectType, *, depth: int) -> str:
        name, definition = self._one(list(parent.fields.items()))
        if self._rarely(40):
            name = self._one(_NAMES)
        alias = f"a{self._random.randrange(5)}: " if self._rarely(4) else ""
        return f"{alias}{name}{self._arguments(document, definition)}{self._directive(document)}" + self._inner(
            document, definition, depth
        )

    def _inner(self, document: _Document, definition: GraphQLField, depth: int) -> str:
        kind = get_named_type(definition.type)
        if not is_composite_type(kind):
            return " { id }" if self._rarely(100) else ""
        assert isinstance(kind, GraphQLObjectType)
        if self._rarely(60):
            return ""
        return f" {{ {self._selection(document, kind, depth - 1)} }}"

    def _selection(self, document: _Document, kind: GraphQLObjectType, depth: int) -> str:
        leaves = [name for name, one in kind.fields.items() if not is_composite_type(get_named_type(one.type))]
        made = [self._one(leaves)] if leaves and self._rarely(2) else ["__typename"]
        if depth > 0:
            made += [self._field(document, kind, depth=depth) for _ in range(self._random.randrange(3))]
        text = " ".join(made)
        if self._rarely(8):
            return f"... on {kind.name}{self._directive(document)} {{ {text} }}"
        if self._rarely(8):
            name = f"f{len(document.fragments)}"
            document.fragments.append(f"fragment {name} on {kind.name} {{ {text} }}")
            return f"...{name}"
        return text

    def _directive(self, document: _Document) -> str:
        if not self._rarely(15):
            return ""
        name = self._one(["include", "skip", "skip", "nope"])
        condition = self._value(document, GraphQLNonNull(self._schema.type_map["Boolean"]))  # type: ignore[type-var]
        return f" @{name}(if: {condition})"

    # --- arguments -----------------------------------------------------------------------------------------------

    def _arguments(self, document: _Document, definition: GraphQLField) -> str:
        given = [
            f"{name}: {self._value(document, argument.type)}"
            for name, argument in definition.args.items()
            if self._is_given(argument)
        ]
        return f"({', '.join(given)})" if given else ""

    def _is_given(self, argument: GraphQLArgument | GraphQLInputField) -> bool:
        return not self._rarely(50) if isinstance(argument.type, GraphQLNonNull) else self._rarely(3)

    def _value(self, document: _Document, kind: GraphQLInputType) -> str:
        """A literal, or a variable that has a default, is sent, both, or neither."""
        if not self._rarely(4):
            return _literal(self._json(kind, 3), kind)
        name = f"v{len(document.declared)}"
        default = f" = {_literal(self._json(kind, 2), kind)}" if self._rarely(3) else ""
        declared = str(kind) if not self._rarely(20) else self._one(["Int", "String!", "[Int!]", "nope"])
        document.declared.append(f"${name}: {declared}{default}")
        if not self._rarely(4):
            document.sent[name] = self._json(kind, 3)
        return f"${name}"

    def _json(self, kind: GraphQLInputType, depth: int) -> Any:
        """A value as JSON: of the type, as a rule."""
        if self._rarely(60):
            return self._nonsense(2)
        if isinstance(kind, GraphQLNonNull):
            return self._json(kind.of_type, depth)
        if self._rarely(25):
            return None
        if isinstance(kind, GraphQLList):
            return [self._json(kind.of_type, depth) for _ in range(self._random.randrange(4))]
        if isinstance(kind, GraphQLEnumType):
            return self._one(list(kind.values))
        if isinstance(kind, GraphQLInputObjectType):
            return self._object(kind, depth)
        return self._scalar(get_named_type(kind).name)

    def _object(self, kind: GraphQLInputObjectType, depth: int) -> dict[str, Any]:
        needed = [name for name, one in kind.fields.items() if isinstance(one.type, GraphQLNonNull)]
        chosen = self._random.sample(list(kind.fields), k=min(len(kind.fields), self._random.randrange(1, 4)))
        if depth <= 0:
            chosen = [
                name
                for name in chosen
                if not isinstance(get_named_type(kind.fields[name].type), GraphQLInputObjectType)
            ]
        names = dict.fromkeys(needed + chosen)
        return {name: self._json(kind.fields[name].type, depth - 1) for name in names}

    def _scalar(self, name: str) -> Any:
        choose: dict[str, Callable[[], Any]] = {
            "Int": lambda: self._one(_NUMBERS[:8]) if not self._rarely(8) else self._one(_NUMBERS),
            "Boolean": lambda: self._random.random() < 0.5,
            "String": lambda: self._one(_TEXTS),
            "bigint": lambda: self._one(_NUMBERS),
            "numeric": lambda: self._one(_NUMBERS),
            "float8": lambda: self._one(_NUMBERS),
            "timestamptz": lambda: self._one(["2024-01-01", "infinity", "x"]),
            "uuid": lambda: self._one([_UUID, "x"]),
        }
        if name in _VALUES:
            return self._one(_VALUES[name])
        return choose.get(name, lambda: self._nonsense(2))()

    def _nonsense(self, depth: int) -> Any:
        """Any JSON at all."""
        kind = self._random.randrange(8 if depth > 0 else 5)
        if kind == 0:
            return None
        if kind == 1:
            return self._random.random() < 0.5
        if kind in (2, 3):
            return self._one(_NUMBERS)
        if kind == 4:
            return self._one(_TEXTS)
        if kind == 5:
            return {self._one([*_NAMES, ""]): self._nonsense(depth - 1) for _ in range(self._random.randrange(3))}
        return [self._nonsense(depth - 1) for _ in range(self._random.randrange(3))]

    # --- chance --------------------------------------------------------------------------------------------------

    def _rarely(self, one_in: int) -> bool:
        return self._random.randrange(one_in) == 0

    def _one(self, choices: list[Any]) -> Any:
        return self._random.choice(choices)


def _literal(value: Any, kind: GraphQLInputType) -> str:
    """A JSON value as GraphQL writes it where this type is expected; names stand for enum values."""
    while isinstance(kind, GraphQLNonNull):
        kind = kind.of_type
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        inner = kind.of_type if isinstance(kind, GraphQLList) else kind
        return f"[{', '.join(_literal(item, inner) for item in value)}]"
    if isinstance(value, dict):
        fields = kind.fields if isinstance(kind, GraphQLInputObjectType) else {}
        members = (
            f"{name}: {_literal(item, fields[name].type if name in fields else kind)}"
            for name, item in value.items()
            if name
        )
        return f"{{{', '.join(members)}}}"
    if isinstance(value, str):
        if isinstance(get_named_type(kind), GraphQLEnumType) and value.isidentifier():
            return value
        return '"' + "".join(_escaped(letter) for letter in value) + '"'
    return repr(value)


def _escaped(letter: str) -> str:
    is_plain = letter.isalnum() or letter in " %.-_(){}[]$'"
    return letter if is_plain else f"\\u{{{ord(letter):x}}}"
