"""Lists which keys metadata has: those of Hasura v2, and those that its older consoles left in documents.

A key that is nearly one of these is mistyped: it is refused, for what it was to limit or to grant would be ignored.
One like no other is a client's own: it is kept and asks for nothing, as in Hasura. Those that Hasura knows and this
engine does not serve are known here; they are reported among the inconsistent objects.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from hasura.engine.errors import ParseFailed, json_path
from hasura.engine.exact_json import Json
from hasura.engine.metadata import store
from hasura.engine.metadata.reading import Reader
from hasura.engine.metadata.types import UnknownKey

_MAX_LISTED = 12
# The threshold of `difflib`: one letter of six differs, or a third is missing.
_MIN_LIKENESS = 0.8


@dataclass(frozen=True, slots=True)
class Each:
    """Describes a list of elements of one shape."""

    element: "Shape"


@dataclass(frozen=True, slots=True)
class Values:
    """Describes an object with any keys, whose values have one shape."""

    value: "Shape"


class Keys:
    """Describes an object of these keys, some with a shape of their own.

    A value of another kind is not looked at: its parser refuses it. Of an object that `is_open` other keys are
    reported elsewhere, of one that `is_closed` all others are reported here.
    """

    __slots__ = ("inner", "is_closed", "is_open", "names")

    def __init__(self, *names: str, **inner: "Shape") -> None:
        self.names = frozenset({*names, *inner})
        self.inner: Mapping[str, Shape] = inner
        self.is_open = False
        self.is_closed = False

    def with_arguments(self, *names: str, **inner: "Shape") -> "Keys":
        """Returns the keys of a call that takes these as well."""
        return Keys(*self.names, *names, **self.inner, **inner)

    def open(self) -> "Keys":
        """Returns the keys of an object that may have others, which are reported elsewhere."""
        opened = Keys(*self.names, **self.inner)
        opened.is_open = True
        return opened

    def closed(self) -> "Keys":
        """Returns the keys of an object whose other keys may ask for something, in a later version of Hasura."""
        closed = Keys(*self.names, **self.inner)
        closed.is_closed = True
        return closed


Shape = Keys | Each | Values

NAME: Final = Keys("schema", "name")
_COLUMNS = ("columns", "computed_fields")
# Written by consoles of Hasura v1 beside `set`, and by the first versions.
_OF_OLD_CONSOLES = ("localPresets", "allow_upsert")
_RULES: Mapping[str, Keys] = {
    "select": Keys(
        *_COLUMNS, *("filter", "limit", "allow_aggregations", "query_root_fields", "subscription_root_fields")
    ),
    "insert": Keys("columns", "check", "set", "backend_only", "validate_input", *_OF_OLD_CONSOLES),
    "update": Keys("columns", "filter", "check", "set", "backend_only", "validate_input", *_OF_OLD_CONSOLES),
    "delete": Keys("filter", "backend_only", "validate_input"),
}
# The keys of each list's entries. A call has the table and the source beside the entry.
PERMISSIONS: Final[Mapping[str, Keys]] = {
    f"{operation}_permissions": Keys("role", "comment", "source", table=NAME, permission=rules)
    for operation, rules in _RULES.items()
}
USING: Final = Keys(
    foreign_key_constraint_on=Keys("column", "columns", table=NAME),
    manual_configuration=Keys("column_mapping", "insertion_order", remote_table=NAME),
)
RELATIONSHIP: Final = Keys("name", "comment", using=USING)
COMPUTED_FIELD: Final = Keys("name", "comment", definition=Keys("table_argument", "session_argument", function=NAME))
_ROOT_FIELD_KINDS = (
    *("select", "select_by_pk", "select_aggregate", "select_stream", "insert", "insert_one"),
    *("update", "update_by_pk", "update_many", "delete", "delete_by_pk"),
)
ROOT_FIELDS: Final = Keys(**dict.fromkeys(_ROOT_FIELD_KINDS, Keys("name", "comment")))
CONFIGURATION: Final = Keys(
    *("custom_name", "comment", "custom_column_names"),
    custom_root_fields=ROOT_FIELDS,
    column_config=Values(Keys("custom_name", "comment")),
).closed()
# The keys of a table without its permissions, which are checked once for many tables.
TABLE: Final = Keys(
    table=NAME,
    configuration=CONFIGURATION,
    object_relationships=Each(RELATIONSHIP),
    array_relationships=Each(RELATIONSHIP),
    computed_fields=Each(COMPUTED_FIELD),
).open()
FUNCTION_CONFIGURATION: Final = Keys(
    *("custom_name", "session_argument", "exposed_as", "response"),
    custom_root_fields=Keys("function", "function_aggregate"),
)
FUNCTION: Final = Keys(
    "comment", function=NAME, configuration=FUNCTION_CONFIGURATION, permissions=Each(Keys("role", "comment"))
)
CUSTOMIZATION: Final = Keys(
    "naming_convention",
    root_fields=Keys("namespace", "prefix", "suffix"),
    type_names=Keys("prefix", "suffix"),
)
_LIMIT = Keys("global", "per_role")
_RATE = Keys("max_reqs_per_min", "unique_params")
_RATES: Mapping[str, Shape] = {"global": _RATE, "per_role": Values(_RATE)}
API_LIMITS: Final = Keys(
    "disabled",
    depth_limit=_LIMIT,
    node_limit=_LIMIT,
    time_limit=_LIMIT,
    batch_limit=_LIMIT,
    rate_limit=Keys(**_RATES),
)
INTROSPECTION: Final = Keys("disabled_for_roles")
INHERITED_ROLE: Final = Keys("role_name", "role_set", "comment")
QUERIES: Final = Keys(queries=Each(Keys("name", "query")))
QUERY_COLLECTION: Final = Keys("name", "comment", definition=QUERIES)
SCOPE: Final = Keys("global", "roles")
ALLOWLIST: Final = Keys("collection", scope=SCOPE)
REST_ENDPOINT: Final = Keys(
    *("name", "url", "methods", "comment"), definition=Keys(query=Keys("collection_name", "query_name"))
)
# The keys of documents that are neither tables nor functions, by kind, and of sections by name. Unknown limits are
# reported by `resolve.unserved`.
OF_KINDS: Final[Mapping[str, Keys]] = {
    store.INHERITED_ROLE: INHERITED_ROLE,
    store.QUERY_COLLECTION: QUERY_COLLECTION,
    store.ALLOWLIST: ALLOWLIST,
    store.REST_ENDPOINT: REST_ENDPOINT,
    store.SOURCE: Keys(customization=CUSTOMIZATION).open(),
    "api_limits": API_LIMITS.open(),
    "graphql_schema_introspection": INTROSPECTION,
}


def unknown_keys(document: Json, shape: Shape, *path: str | int) -> Iterator[UnknownKey]:
    """Yields mistyped keys, and any others of closed objects, with the steps to them; null asks for nothing."""
    if isinstance(shape, Keys):
        if not isinstance(document, dict):
            return
        if not shape.is_open and not document.keys() <= shape.names:
            for key in document.keys() - shape.names:
                unknown = _unknown_key((*path, key), key, document[key], shape.names)
                if document[key] is not None and (unknown.is_mistyped or shape.is_closed):
                    yield unknown
        for key, inner in shape.inner.items():
            if key in document:
                yield from unknown_keys(document[key], inner, *path, key)
    elif isinstance(shape, Values):
        if isinstance(document, dict):
            for key, value in document.items():
                yield from unknown_keys(value, shape.value, *path, key)
    elif isinstance(document, list):
        for index, element in enumerate(document):
            yield from unknown_keys(element, shape.element, *path, index)


def refuse_mistyped_keys(document: Reader, shape: Shape) -> None:
    """Raises ParseFailed for a key that is nearly one of the shape's."""
    refuse_mistyped(document, unknown_keys(document.value, shape))


def refuse_mistyped(document: Reader, keys: Iterable[UnknownKey]) -> None:
    """Raises ParseFailed for the first mistyped one of the unknown keys of a document."""
    for item in keys:
        if item.is_mistyped:
            raise ParseFailed(item.reason, path=json_path(*document.path, *item.path))


def _unknown_key(path: tuple[str | int, ...], key: str, value: Json, known: Iterable[str]) -> UnknownKey:
    similar = get_close_matches(key, known, n=1, cutoff=_MIN_LIKENESS)
    if similar:
        return UnknownKey(path, value, f'unexpected key "{key}": did you mean "{similar[0]}"?', is_mistyped=True)
    listed = sorted(known)
    shown = ", ".join(listed[:_MAX_LISTED]) + (", …" if len(listed) > _MAX_LISTED else "")
    return UnknownKey(path, value, f'unexpected key "{key}": expected one of {shown}', is_mistyped=False)
