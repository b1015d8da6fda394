"""Parses metadata documents into typed objects.

Documents are in the normal form that `normal_form` makes; equal permissions of different tables become one object,
which is what keeps ten thousand tables with ten roles small.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar
from weakref import WeakValueDictionary

from hasura.engine import exact_json
from hasura.engine.catalog.types import QualifiedName
from hasura.engine.errors import EngineError
from hasura.engine.exact_json import JsonObject
from hasura.engine.metadata import keys
from hasura.engine.metadata.reading import Reader
from hasura.engine.metadata.types import (
    ALL_COLUMNS,
    AllowlistEntry,
    ColumnConfig,
    ColumnList,
    ComputedField,
    CustomRootField,
    DeletePermission,
    ForeignKeyColumns,
    FunctionExposure,
    FunctionMetadata,
    InheritedRole,
    InsertionOrder,
    InsertPermission,
    ManualMapping,
    QueryCollection,
    Relationship,
    RelationshipKind,
    RelationshipUsing,
    RemoteForeignKey,
    RestEndpoint,
    SelectPermission,
    TableConfiguration,
    TableMetadata,
    UnknownKey,
    UpdatePermission,
)
from hasura.engine.session import ADMIN_ROLE

PERMISSION_LISTS = ("select_permissions", "insert_permissions", "update_permissions", "delete_permissions")
RELATIONSHIP_LISTS = ("object_relationships", "array_relationships")
_NOTHING_LISTED = "parsing NonEmpty failed, unexpected empty list"
_ROOT_FIELDS = {
    "query_root_fields": ("select", "select_by_pk", "select_aggregate"),
    "subscription_root_fields": ("select", "select_by_pk", "select_aggregate", "select_stream"),
}
# Which of them was meant is not known.
SEVERAL_OF_A_ROLE = "a role has more than one permission"
_REST_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_KNOWN_TABLE_KEYS = frozenset(
    {"table", "is_enum", "configuration", "computed_fields", *PERMISSION_LISTS, *RELATIONSHIP_LISTS}
)

Permission = SelectPermission | InsertPermission | UpdatePermission | DeletePermission
P = TypeVar("P", bound=Permission)
_MAX_EXPRESSIONS = 10_000
_expressions: dict[bytes, JsonObject] = {}
_interned: WeakValueDictionary[bytes, Permission] = WeakValueDictionary()


def parse_table(document: Reader) -> TableMetadata:
    """Returns a tracked table; raises ParseFailed naming the place."""
    object_relationships = [parse_object_relationship(item) for item in _list(document, "object_relationships")]
    array_relationships = [parse_array_relationship(item) for item in _list(document, "array_relationships")]
    configuration = document.get("configuration")
    unknown = list(keys.unknown_keys(document.value, keys.TABLE))
    return TableMetadata(
        name=document["table"].qualified_name(),
        is_enum=document.flag("is_enum"),
        configuration=parse_configuration(configuration) if configuration is not None else TableConfiguration(),
        relationships={item.name: item for item in object_relationships + array_relationships},
        computed_fields={item.name: item for item in map(parse_computed_field, _list(document, "computed_fields"))},
        select_permissions=_by_role(document, "select_permissions", parse_select, unknown),
        insert_permissions=_by_role(document, "insert_permissions", parse_insert, unknown),
        update_permissions=_by_role(document, "update_permissions", parse_update, unknown),
        delete_permissions=_by_role(document, "delete_permissions", parse_delete, unknown),
        unknown={key: value for key, value in document.object().items() if key not in _KNOWN_TABLE_KEYS},
        unknown_keys=tuple(unknown),
    )


def _list(document: Reader, key: str) -> list[Reader]:
    member = document.get(key)
    return list(member.items()) if member is not None else []


def _by_role(
    document: Reader, list_name: str, parse: Callable[[Reader], P], unknown: list[UnknownKey]
) -> dict[str, P]:
    """Returns the permissions of a list; adds their unknown keys."""
    entries = _list(document, list_name)
    permissions = {item.role: item for item in map(parse, entries)}
    if len(permissions) != len(entries):
        raise document[list_name].fail(SEVERAL_OF_A_ROLE)
    for index, permission in enumerate(permissions.values()):
        if permission.unknown_keys:
            unknown += (replace(item, path=(list_name, index, *item.path)) for item in permission.unknown_keys)
    return permissions


def parse_configuration(document: Reader) -> TableConfiguration:
    """Returns a table's `configuration`; the older `custom_column_names` counts where `column_config` has nothing."""
    root_fields: dict[str, CustomRootField] = {}
    for kind in document["custom_root_fields"].object() if "custom_root_fields" in document else {}:
        field = document["custom_root_fields"].get(kind)
        if field is None:
            continue
        if isinstance(field.value, str):
            root_fields[kind] = CustomRootField(name=field.name())
        else:
            root_fields[kind] = CustomRootField(field.optional_text("name"), field.description("comment"))
    columns: dict[str, ColumnConfig] = {}
    for column in document["custom_column_names"].object() if "custom_column_names" in document else {}:
        columns[column] = ColumnConfig(document["custom_column_names"][column].name())
    for column in document["column_config"].object() if "column_config" in document else {}:
        config = document["column_config"][column]
        older = columns.get(column)
        custom_name = config.optional_text("custom_name") or (older.custom_name if older is not None else None)
        columns[column] = ColumnConfig(custom_name, config.description("comment"))
    return TableConfiguration(
        custom_name=document.optional_text("custom_name"),
        custom_root_fields=root_fields,
        column_config=columns,
        comment=document.description("comment"),
    )


def parse_object_relationship(document: Reader) -> Relationship:
    """Returns an entry of `object_relationships`."""
    return _relationship(document, RelationshipKind.OBJECT)


def parse_array_relationship(document: Reader) -> Relationship:
    """Returns an entry of `array_relationships`."""
    return _relationship(document, RelationshipKind.ARRAY)


def _relationship(document: Reader, kind: RelationshipKind) -> Relationship:
    return Relationship(
        name=document["name"].name(),
        kind=kind,
        using=parse_using(document["using"], kind),
        comment=document.optional_text("comment"),
        verbatim=document.object(),
    )


def parse_using(using: Reader, kind: RelationshipKind) -> RelationshipUsing:
    """Returns how a relationship's rows are found."""
    foreign_key, manual = using.get("foreign_key_constraint_on"), using.get("manual_configuration")
    if foreign_key is not None and manual is not None:
        raise using.fail("only one of foreign_key_constraint_on and manual_configuration is allowed")
    if foreign_key is not None:
        return _parse_foreign_key(foreign_key, kind)
    if manual is None:
        raise using.fail("one of foreign_key_constraint_on and manual_configuration must be present")
    mapping = manual["column_mapping"]
    order = manual.optional_text("insertion_order")
    if order is not None and order not in set(InsertionOrder):
        raise manual["insertion_order"].fail('expected "before_parent" or "after_parent"')
    return ManualMapping(
        remote_table=manual["remote_table"].qualified_name(),
        column_mapping=tuple((column, mapping[column].text()) for column in mapping.object()),
        insertion_order=InsertionOrder(order) if order is not None else None,
    )


def _parse_foreign_key(value: Reader, kind: RelationshipKind) -> ForeignKeyColumns | RemoteForeignKey:
    if isinstance(value.value, str) and kind is RelationshipKind.OBJECT:
        return ForeignKeyColumns((value.value,))
    if isinstance(value.value, list) and kind is RelationshipKind.OBJECT:
        return ForeignKeyColumns(value.names())
    if not isinstance(value.value, dict):
        raise value.fail("Expecting object { table, columns }.")
    columns = value.get("columns")
    if columns is None:
        columns = value["column"]
    names = (columns.text(),) if isinstance(columns.value, str) else columns.names()
    return RemoteForeignKey(value["table"].qualified_name(), names)


def parse_computed_field(document: Reader) -> ComputedField:
    """Returns a `computed_fields` entry."""
    definition = document["definition"]
    return ComputedField(
        name=document["name"].name(),
        function=definition["function"].qualified_name(),
        table_argument=definition.optional_text("table_argument"),
        session_argument=definition.optional_text("session_argument"),
        comment=document.optional_text("comment"),
        verbatim=document.object(),
    )


# --- permissions ------------------------------------------------------------------------------------------------


def _shared(kind: type[P], document: Reader, parse: Callable[[Reader], P]) -> P:
    """Returns the permission, parsed only when no equal one is there."""
    key = kind.__name__.encode() + exact_json.dumps_sorted(document.value)
    shared = _interned.get(key)
    if isinstance(shared, kind):
        return shared
    permission = parse(document)
    _interned[key] = permission
    return permission


def _columns(document: Reader, *, required: bool) -> ColumnList:
    if not required and "columns" not in document:
        return ALL_COLUMNS
    columns = document["columns"]
    if isinstance(columns.value, str):
        if columns.value != ALL_COLUMNS:
            raise columns.fail(f'unexpected string for columns: expecting "*", encountered "{columns.value}"')
        return ALL_COLUMNS
    return columns.names()


def _expression(document: Reader, key: str) -> JsonObject:
    """Returns a boolean expression; equal ones are one object as long as they are used often."""
    expression = document[key].object()
    text = exact_json.dumps(expression)
    shared = _expressions.get(text)
    if shared is None:
        if len(_expressions) >= _MAX_EXPRESSIONS:
            _expressions.clear()
        _expressions[text] = shared = expression
    return shared


def _presets(document: Reader) -> JsonObject:
    presets = document.get("set")
    return presets.object() if presets is not None else {}


def _root_fields(document: Reader, key: str) -> frozenset[str] | None:
    member = document.get(key)
    if member is None:
        return None
    possible = _ROOT_FIELDS[key]
    for item in member.items():
        if item.text() not in possible:
            raise item.fail(f"expected one of {', '.join(possible)}")
    return frozenset(member.names())


def _unknown(document: Reader, list_name: str) -> tuple[UnknownKey, ...]:
    return tuple(keys.unknown_keys(document.value, keys.PERMISSIONS[list_name]))


def parse_select(document: Reader) -> SelectPermission:
    """Returns an entry of `select_permissions`."""
    return _shared(SelectPermission, document, _parse_select)


def _parse_select(document: Reader) -> SelectPermission:
    rules = document["permission"]
    limit = rules.get("limit")
    computed_fields = rules.get("computed_fields")
    return SelectPermission(
        role=document["role"].name(),
        columns=_columns(rules, required=True),
        filter=_expression(rules, "filter"),
        computed_fields=computed_fields.names() if computed_fields is not None else (),
        limit=limit.integer() if limit is not None else None,
        allow_aggregations=rules.flag("allow_aggregations"),
        query_root_fields=_root_fields(rules, "query_root_fields"),
        subscription_root_fields=_root_fields(rules, "subscription_root_fields"),
        comment=document.optional_text("comment"),
        verbatim=document.object(),
        unknown_keys=_unknown(document, "select_permissions"),
    )


def parse_insert(document: Reader) -> InsertPermission:
    """Returns an entry of `insert_permissions`."""
    return _shared(InsertPermission, document, _parse_insert)


def _parse_insert(document: Reader) -> InsertPermission:
    rules = document["permission"]
    return InsertPermission(
        role=document["role"].name(),
        check=_expression(rules, "check"),
        columns=_columns(rules, required=False),
        set=_presets(rules),
        backend_only=rules.flag("backend_only"),
        comment=document.optional_text("comment"),
        verbatim=document.object(),
        unknown_keys=_unknown(document, "insert_permissions"),
    )


def parse_update(document: Reader) -> UpdatePermission:
    """Returns an entry of `update_permissions`."""
    return _shared(UpdatePermission, document, _parse_update)


def _parse_update(document: Reader) -> UpdatePermission:
    rules = document["permission"]
    return UpdatePermission(
        role=document["role"].name(),
        columns=_columns(rules, required=True),
        filter=_expression(rules, "filter"),
        check=_expression(rules, "check") if "check" in rules else None,
        set=_presets(rules),
        backend_only=rules.flag("backend_only"),
        comment=document.optional_text("comment"),
        verbatim=document.object(),
        unknown_keys=_unknown(document, "update_permissions"),
    )


def parse_delete(document: Reader) -> DeletePermission:
    """Returns an entry of `delete_permissions`."""
    return _shared(DeletePermission, document, _parse_delete)


def _parse_delete(document: Reader) -> DeletePermission:
    rules = document["permission"]
    return DeletePermission(
        role=document["role"].name(),
        filter=_expression(rules, "filter"),
        backend_only=rules.flag("backend_only"),
        comment=document.optional_text("comment"),
        verbatim=document.object(),
        unknown_keys=_unknown(document, "delete_permissions"),
    )


PERMISSION_PARSERS = {
    "select_permissions": parse_select,
    "insert_permissions": parse_insert,
    "update_permissions": parse_update,
    "delete_permissions": parse_delete,
}


# --- everything else ----------------------------------------------------------------------------------------------


def parse_function(document: Reader) -> FunctionMetadata:
    """Returns a tracked function."""
    configuration = document.get("configuration") or Reader({}, *document.path, "configuration")
    root_fields = configuration.get("custom_root_fields")
    names = (
        {key: root_fields[key].text() for key in root_fields.object() if key in root_fields} if root_fields else {}
    )
    exposure = configuration.optional_text("exposed_as")
    if exposure is not None and exposure not in set(FunctionExposure):
        raise configuration["exposed_as"].fail('unexpected value: expected "query" or "mutation"')
    permissions = document.get("permissions")
    return FunctionMetadata(
        name=document["function"].qualified_name(),
        custom_name=configuration.optional_text("custom_name"),
        custom_root_fields=names,
        session_argument=configuration.optional_text("session_argument"),
        exposed_as=FunctionExposure(exposure) if exposure is not None else None,
        permissions=frozenset(item["role"].name() for item in permissions.items()) if permissions else frozenset(),
        comment=document.optional_text("comment"),
        verbatim=document.object(),
        unknown_keys=tuple(keys.unknown_keys(document.value, keys.FUNCTION)),
    )


def parse_inherited_role(document: Reader) -> InheritedRole:
    """Returns an entry of `inherited_roles`."""
    role = InheritedRole(document["role_name"].name(), frozenset(document["role_set"].names()))
    if ADMIN_ROLE in (role.name, *role.role_set):
        # A role that inherits from it could do all that it can.
        raise EngineError("the admin role cannot be part of an inherited role", code="bad-request")
    return role


def parse_query_collection(document: Reader) -> QueryCollection:
    """Returns an entry of `query_collections`."""
    queries = {item["name"].name(): item["query"].text() for item in document["definition"]["queries"].items()}
    return QueryCollection(document["name"].name(), queries, document.optional_text("comment"))


def parse_allowlist_scope(scope: Reader) -> frozenset[str] | None:
    """Returns the roles of `scope`; None: every role."""
    is_global = scope["global"].boolean()
    if is_global:
        if "roles" in scope:
            raise scope.fail("roles are not allowed when global is true")
        return None
    roles = scope["roles"]
    if not roles.array():
        raise roles.fail(_NOTHING_LISTED)
    return frozenset(roles.names())


def parse_allowlist_entry(document: Reader) -> AllowlistEntry:
    """Returns an entry of `allowlist`, its scope written out: one that has lost it must not be for every role."""
    return AllowlistEntry(document["collection"].name(), parse_allowlist_scope(document["scope"]))


def parse_rest_endpoint(document: Reader) -> RestEndpoint:
    """Returns an entry of `rest_endpoints`."""
    query = document["definition"]["query"]
    return RestEndpoint(
        name=document["name"].name(),
        url=document["url"].name(),
        methods=_rest_methods(document["methods"]),
        collection=query["collection_name"].name(),
        query=query["query_name"].name(),
        comment=document.optional_text("comment"),
    )


def _rest_methods(methods: Reader) -> tuple[str, ...]:
    names = methods.names()
    if not names:
        raise methods.fail(_NOTHING_LISTED)
    for item in methods.items():
        if item.value not in _REST_METHODS:
            raise item.fail(f"expected one of {', '.join(_REST_METHODS)}")
    return names


def table_name(document: JsonObject) -> QualifiedName:
    """Returns the name in a table's document."""
    return Reader(document)["table"].qualified_name()


def function_name(document: JsonObject) -> QualifiedName:
    """Returns the name in a function's document."""
    return Reader(document)["function"].qualified_name()
