"""A small world to compile against: the schema cache that fits `shop.sql`, described by hand.

Roles: `reader` sees published articles, `writer` what is published or written by `x-hasura-author-id`, and writes
their own; `member` is both, inherited.
"""

from collections.abc import Mapping
from pathlib import Path

from hasura.engine.catalog.types import (
    Column,
    Function,
    FunctionArgument,
    Identity,
    PgType,
    QualifiedName,
    Table,
    TableKind,
    TypeKind,
    UniqueConstraint,
    Volatility,
)
from hasura.engine.exact_json import Json
from hasura.engine.metadata.types import (
    DeletePermission,
    FunctionExposure,
    InheritedRole,
    InsertionOrder,
    InsertPermission,
    RelationshipKind,
    SelectPermission,
    UpdatePermission,
)
from hasura.engine.names import NamingConvention, camel_case, default_root_field_names
from hasura.engine.schema_cache import (
    ColumnInfo,
    ComputedFieldInfo,
    DeletePermissionInfo,
    EnumValue,
    FunctionInfo,
    InsertPermissionInfo,
    RelationshipInfo,
    RootField,
    SchemaCache,
    SchemaOptions,
    SelectPermissionInfo,
    TableInfo,
    UpdatePermissionInfo,
)

DDL = (Path(__file__).parent / "shop.sql").read_text()

TEXT = PgType(25, "pg_catalog", "text")
INT = PgType(23, "pg_catalog", "int4")
BIGINT = PgType(20, "pg_catalog", "int8")
BOOL = PgType(16, "pg_catalog", "bool")
NUMERIC = PgType(1700, "pg_catalog", "numeric")
JSONB = PgType(3802, "pg_catalog", "jsonb")
JSON = PgType(114, "pg_catalog", "json")
TIME = PgType(1184, "pg_catalog", "timestamptz")
TEXTS = PgType(1009, "pg_catalog", "_text", kind=TypeKind.ARRAY, element=TEXT)

Filter = Mapping[str, Json]
PUBLISHED: Filter = {"is_published": {"_eq": True}}
OWN: Filter = {"author_id": {"_eq": "X-Hasura-Author-Id"}}


def name_of(table: str) -> QualifiedName:
    return QualifiedName("public", table)


def _composite(table: str) -> PgType:
    return PgType(0, "public", table, kind=TypeKind.COMPOSITE, row_of=name_of(table))


def _column(name: str, pg_type: PgType, *, position: int, needed: bool = False, default: str | None = None) -> Column:
    return Column(name, position, pg_type, not needed, default is not None, default)


def _table(name: str, columns: tuple[Column, ...], key: tuple[str, ...], *unique: UniqueConstraint) -> Table:
    return Table(
        1, name_of(name), TableKind.TABLE, columns, UniqueConstraint(f"{name}_pkey", 1, key, is_primary=True), unique
    )


def _identity(column: Column) -> Column:
    return Column(column.name, column.position, column.type, False, False, None, Identity.BY_DEFAULT)


def _columns(*given: tuple[str, PgType] | tuple[str, PgType, str]) -> tuple[Column, ...]:
    """Columns by (name, type) or (name, type, "needed" or a default expression)."""
    made: list[Column] = []
    for position, item in enumerate(given, start=1):
        extra = item[2] if len(item) == 3 else ""
        made.append(
            _column(
                item[0],
                item[1],
                position=position,
                needed=extra != "",
                default=extra if extra not in ("", "needed") else None,
            )
        )
    return tuple(made)


GENRE = _table("genre", _columns(("value", TEXT, "needed"), ("comment", TEXT)), ("value",))
_author = _columns(
    ("id", INT, "needed"),
    ("name", TEXT, "needed"),
    ("age", INT),
    ("profile", JSONB),
    ("tags", TEXTS),
    ("organization", TEXT),
)
AUTHOR = _table(
    "author",
    (
        _identity(_author[0]),
        *_author[1:5],
        Column(
            "organization",
            6,
            TEXT,
            True,
            True,
            "(current_setting('hasura.user'::text, true))::json ->> 'x-hasura-organization'::text",
        ),
    ),
    ("id",),
    UniqueConstraint("author_name_key", 2, ("name",)),
)
_article = _columns(
    ("id", INT, "needed"),
    ("title", TEXT, "needed"),
    ("author_id", INT),
    ("genre", TEXT),
    ("is_published", BOOL, "false"),
    ("likes", BIGINT, "7"),
    ("price", NUMERIC),
    ("published_at", TIME),
)
ARTICLE = _table(
    "article",
    (_identity(_article[0]), *_article[1:], Column("title_length", 9, INT, True, is_generated=True)),
    ("id",),
)
REVIEW = _table(
    "review",
    _columns(("article_id", INT, "needed"), ("reviewer_id", INT, "needed"), ("stars", INT, "needed")),
    ("article_id", "reviewer_id"),
)


def _relationship(name: str, kind: RelationshipKind, table: str, *mapping: tuple[str, str]) -> RelationshipInfo:
    order = InsertionOrder.BEFORE_PARENT if kind is RelationshipKind.OBJECT else InsertionOrder.AFTER_PARENT
    return RelationshipInfo(name, kind, name_of(table), mapping, insertion_order=order)


_OBJECT, _ARRAY = RelationshipKind.OBJECT, RelationshipKind.ARRAY
RELATIONSHIPS = {
    "genre": (),
    "author": (
        _relationship("articles", _ARRAY, "article", ("id", "author_id")),
        _relationship("reviews", _ARRAY, "review", ("id", "reviewer_id")),
    ),
    "article": (
        _relationship("author", _OBJECT, "author", ("author_id", "id")),
        _relationship("reviews", _ARRAY, "review", ("id", "article_id")),
    ),
    "review": (
        _relationship("article", _OBJECT, "article", ("article_id", "id")),
        _relationship("reviewer", _OBJECT, "author", ("reviewer_id", "id")),
    ),
}

_LABEL = Function(
    1,
    name_of("author_label"),
    (FunctionArgument("author_row", _composite("author")), FunctionArgument("prefix", TEXT, True)),
    TEXT,
    volatility=Volatility.STABLE,
)
_BEST = Function(
    2,
    name_of("author_best"),
    (FunctionArgument("author_row", _composite("author")), FunctionArgument("hasura_session", JSON)),
    _composite("article"),
    True,
    name_of("article"),
    Volatility.STABLE,
)
COMPUTED = {
    "label": ComputedFieldInfo("label", _LABEL, 0, None, (_LABEL.arguments[1],)),
    "best": ComputedFieldInfo("best", _BEST, 0, 1, (), name_of("article")),
}


def _select(
    role: str,
    columns: frozenset[str],
    row_filter: Filter,
    *,
    limit: int | None = None,
    aggregates: bool = False,
    computed: frozenset[str] = frozenset(),
) -> SelectPermissionInfo:
    source = SelectPermission(role, tuple(columns), row_filter, limit=limit, allow_aggregations=aggregates)
    return SelectPermissionInfo(columns, computed, source)


def _names(table: Table) -> frozenset[str]:
    return frozenset(column.name for column in table.columns)


_WRITTEN: Filter = {"_or": [dict(OWN), dict(PUBLISHED)]}
SELECT = {
    "genre": {},
    "author": {
        "reader": _select("reader", frozenset({"id", "name"}), {"articles": dict(PUBLISHED)}),
        "writer": _select(
            "writer", _names(AUTHOR), {"id": {"_eq": "X-Hasura-Author-Id"}}, computed=frozenset({"label"})
        ),
    },
    "article": {
        "reader": _select("reader", frozenset({"id", "title", "author_id"}), PUBLISHED, limit=2, aggregates=True),
        "writer": _select("writer", _names(ARTICLE), _WRITTEN),
    },
    "review": {"reader": _select("reader", _names(REVIEW), {"stars": {"_gte": 4}})},
}
INSERT = {
    "article": {
        "writer": InsertPermissionInfo(
            frozenset({"title", "likes", "genre"}),
            InsertPermission(
                "writer", {"likes": {"_lt": 100}}, ("title", "likes", "genre"), {"author_id": "x-hasura-author-id"}
            ),
        )
    },
    "review": {
        "writer": InsertPermissionInfo(
            _names(REVIEW),
            # One may not praise oneself; the article may be made by the same mutation.
            InsertPermission("writer", {"article": {"author_id": {"_ceq": ["$", "reviewer_id"]}}}),
        )
    },
}
UPDATE = {
    "article": {
        "writer": UpdatePermissionInfo(
            frozenset({"title", "likes"}),
            UpdatePermission("writer", ("title", "likes"), OWN, {"likes": {"_lt": 100}}),
        )
    }
}
DELETE = {"article": {"writer": DeletePermissionInfo(DeletePermission("writer", OWN))}}


def shop(*, convention: NamingConvention = NamingConvention.HASURA_DEFAULT, stringify: bool = False) -> SchemaCache:
    """The snapshot."""
    tables: dict[QualifiedName, TableInfo] = {}
    query: dict[str, RootField] = {}
    mutation: dict[str, RootField] = {}
    stream: dict[str, RootField] = {}
    for table in (GENRE, AUTHOR, ARTICLE, REVIEW):
        title = table.name.name
        tables[table.name] = TableInfo(
            table,
            title,
            default_root_field_names(title, convention),
            tuple(_column_info(column, title, convention) for column in table.columns),
            {item.name: item for item in RELATIONSHIPS[title]},
            COMPUTED if title == "author" else {},
            SELECT.get(title, {}),
            INSERT.get(title, {}),
            UPDATE.get(title, {}),
            DELETE.get(title, {}),
            enum_values=(EnumValue("essay", "Short prose"), EnumValue("poem", "Verse")) if title == "genre" else None,
        )
        names = tables[table.name].root_fields
        query.update({field: RootField(kind, table.name) for kind, field in names.query_fields()})
        mutation.update({field: RootField(kind, table.name) for kind, field in names.mutation_fields()})
        stream[names.select_stream] = RootField("select_stream", table.name)
    functions = {item.name: item for item in _functions()}
    query["search_articles"] = RootField("function", function=name_of("search_articles"))
    query["search_articles_aggregate"] = RootField("function_aggregate", function=name_of("search_articles"))
    mutation["praise"] = RootField("function", function=name_of("praise"))
    return SchemaCache(
        1,
        1,
        tables,
        functions,
        query,
        mutation,
        stream,
        {"member": InheritedRole("member", frozenset({"reader", "writer"}))},
        options=SchemaOptions(naming_convention=convention, stringify_numeric_types=stringify),
    )


def _column_info(column: Column, table: str, convention: NamingConvention) -> ColumnInfo:
    is_camel = convention is NamingConvention.GRAPHQL_DEFAULT
    enum = name_of("genre") if (table, column.name) == ("article", "genre") else None
    return ColumnInfo(column, camel_case(column.name) if is_camel else column.name, enum_table=enum)


def _functions() -> tuple[FunctionInfo, ...]:
    search = Function(
        3,
        name_of("search_articles"),
        (FunctionArgument("search", TEXT), FunctionArgument("at_least", INT, True)),
        _composite("article"),
        True,
        name_of("article"),
        Volatility.STABLE,
    )
    praise = Function(
        4, name_of("praise"), (FunctionArgument("article_id", INT),), _composite("article"), True, name_of("article")
    )
    return (
        FunctionInfo(
            search,
            "search_articles",
            "search_articles",
            "search_articles_aggregate",
            "search_articles_args",
            FunctionExposure.QUERY,
            name_of("article"),
            None,
            search.arguments,
        ),
        FunctionInfo(
            praise,
            "praise",
            "praise",
            "praise_aggregate",
            "praise_args",
            FunctionExposure.MUTATION,
            name_of("article"),
            None,
            praise.arguments,
            frozenset({"writer"}),
        ),
    )
