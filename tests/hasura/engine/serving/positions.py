"""Every place where a variable may stand, on a small library of books."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hasura.engine.exact_json import number
from tests.hasura.engine.serving.conftest import Served

_DDL = """
create table genre (value text primary key, comment text);
create table shelf (id integer primary key, name text not null constraint shelf_name_key unique);
create table book (
  id integer primary key, title text not null, n integer, big bigint, price numeric, ratio double precision,
  tags text[], doc jsonb, raw json, sold_at timestamptz, code uuid, is_new boolean,
  genre text references genre, shelf_id integer references shelf);
insert into genre values ('essay', null), ('poem', 'Verse');
create function search_books(word text, fewest integer default 0) returns setof book language sql stable
  as $$ select * from book where title like '%' || word || '%' and coalesce(n, 0) >= fewest order by id $$;
create function book_label(book_row book, prefix text default 'B') returns text language sql stable
  as $$ select prefix || book_row.title $$;
create function book_rivals(book_row book, fewest integer default 0) returns setof book language sql stable
  as $$ select * from book where id <> book_row.id and coalesce(n, 0) >= fewest order by id $$;
create function restock(word text) returns setof book language sql volatile
  as $$ update book set n = coalesce(n, 0) + 1 where title = word returning * $$;
"""
RESET = """
truncate book, shelf;
insert into shelf values (1, 'low'), (2, 'high'), (3, 'empty');
insert into book values
  (1, 'a', 1, 9007199254740993, 1.50, 0.5, '{x,y}', '{"a": {"b": [1, 2]}, "k": "v"}', '{"r": 1}',
   '2024-01-01 00:00:00+00', '550e8400-e29b-41d4-a716-446655440000', true, 'essay', 1),
  (2, 'b', 2, 2, 12345678901234567.89, 1e300, '{}', '[1, 2, 3]', null, '2024-06-01 00:00:00+00',
   '00000000-0000-0000-0000-000000000002', false, 'poem', 1),
  (3, 'ab', null, null, 1e-30, null, null, null, null, null, null, null, 'poem', 2);
"""
# What every table holds, to compare what mutations left behind.
STATE = (
    "{ book(order_by: {id: asc}) { id title n big price ratio tags doc raw sold_at code is_new genre shelf_id }"
    " shelf(order_by: {id: asc}) { id name } }"
)
_BOOKS = "(order_by: {id: asc}) { id }"


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a document (`VALUE`) with a value of its type, written as a literal and sent as JSON."""

    name: str
    document: str
    type: str
    literal: str
    value: Any
    # Another literal of the type: the default that a value sent must win against.
    other: str

    @property
    def kind(self) -> str:
        return self.document.partition(" ")[0]

    def with_literal(self) -> str:
        return self.document.replace("VALUE", self.literal).replace("HEAD", "")

    def with_variable(self, default: str | None = None) -> str:
        head = f"($v: {self.type}{'' if default is None else ' = ' + default})"
        return self.document.replace("VALUE", "$v").replace("HEAD", head)

    def documents(self) -> tuple[str, str, str, str]:
        """With the literal; with a variable that defaults to it, has no default, or another one."""
        return (
            self.with_literal(),
            self.with_variable(self.literal),
            self.with_variable(),
            self.with_variable(self.other),
        )

    def as_subscription(self) -> "Position":
        document = self.document.replace("query", "subscription", 1)
        return Position(self.name, document, self.type, self.literal, self.value, self.other)


def _query(name: str, body: str, kind: str, literal: str, value: Any, other: str) -> Position:
    return Position(name, f"query HEAD {{ {body} }}", kind, literal, value, other)


def _leaf(column: str, operator: str, kind: str, literal: str, value: Any, other: str) -> Position:
    body = f"book(where: {{{column}: {{{operator}: VALUE}}}}, order_by: {{id: asc}}) {{ id }}"
    return _query(f"{column} {operator} {literal}", body, kind, literal, value, other)


def _mutation(name: str, body: str, kind: str, literal: str, value: Any, other: str) -> Position:
    return Position(name, f"mutation HEAD {{ {body} }}", kind, literal, value, other)


QUERIES = [
    _leaf("n", "_eq", "Int", "2", 2, "1"),
    _leaf("title", "_like", "String", '"%b"', "%b", '"a"'),
    _leaf("n", "_in", "[Int!]", "[1, 2]", [1, 2], "[3]"),
    _leaf("n", "_in", "[Int!]", "2", 2, "1"),
    _leaf("n", "_is_null", "Boolean", "true", True, "false"),
    _leaf("big", "_eq", "bigint", "9007199254740993", 9007199254740993, "1"),
    _leaf("price", "_eq", "numeric", "12345678901234567.89", number("12345678901234567.89"), "1"),
    _leaf("price", "_in", "[numeric!]", "[1e-30, 1.5]", [number("1e-30"), 1.5], "[1]"),
    _leaf("ratio", "_gt", "float8", "1e299", 1e299, "0"),
    _leaf("sold_at", "_gt", "timestamptz", '"2024-03-01"', "2024-03-01", '"2025-01-01"'),
    _leaf("code", "_eq", "uuid", '"00000000-0000-0000-0000-000000000002"', f"{2:032x}", '"' + "0" * 32 + '"'),
    _leaf("tags", "_contains", "[String!]", '["x"]', ["x"], '["z"]'),
    _leaf("tags", "_contains", "[String!]", '"x"', "x", '"z"'),
    _leaf("tags", "_in", "[[String!]!]", '[["x", "y"], []]', [["x", "y"], []], '[["q"]]'),
    _leaf("doc", "_contains", "jsonb", '{k: "v"}', {"k": "v"}, "{k: 1}"),
    _leaf("doc", "_has_keys_any", "[String!]", '["k", "q"]', ["k", "q"], '["q"]'),
    _leaf("genre", "_eq", "genre_enum", "poem", "poem", "essay"),
    _leaf("genre", "_in", "[genre_enum!]", "[poem]", ["poem"], "[essay]"),
    _leaf("doc", "_cast", "jsonb_cast_exp", '{String: {_like: "%v%"}}', {"String": {"_like": "%v%"}}, "{}"),
    _query(
        "where",
        "book(where: VALUE, order_by: {id: asc}) { id }",
        "book_bool_exp",
        '{n: {_gt: 1}, _or: [{title: {_eq: "b"}}, {id: {_eq: 3}}]}',
        {"n": {"_gt": 1}, "_or": [{"title": {"_eq": "b"}}, {"id": {"_eq": 3}}]},
        "{id: {_eq: 1}}",
    ),
    _query(
        "_and",
        "book(where: {_and: VALUE}) { id }",
        "[book_bool_exp!]",
        "{n: {_in: 2}}",
        {"n": {"_in": 2}},
        "[{id: {_eq: 1}}]",
    ),
    _query(
        "_not",
        "book(where: {_not: VALUE}, order_by: {id: asc}) { id }",
        "book_bool_exp",
        "{id: {_eq: 2}}",
        {"id": {"_eq": 2}},
        "{}",
    ),
    _query(
        "where over a relationship",
        "book(where: {shelf: VALUE}, order_by: {id: asc}) { id }",
        "shelf_bool_exp",
        '{name: {_eq: "low"}}',
        {"name": {"_eq": "low"}},
        "{id: {_eq: 2}}",
    ),
    _query("by_pk", "book_by_pk(id: VALUE) { title }", "Int!", "2", 2, "1"),
    _query(
        "order_by",
        "book(order_by: VALUE) { id }",
        "[book_order_by!]",
        "[{n: desc_nulls_last}, {id: asc}]",
        [{"n": "desc_nulls_last"}, {"id": "asc"}],
        "{id: asc}",
    ),
    _query("one order_by", "book(order_by: VALUE) { id }", "[book_order_by!]", "{id: desc}", {"id": "desc"}, "[]"),
    _query("direction", "book(order_by: {id: VALUE}) { id }", "order_by", "desc", "desc", "asc"),
    _query("limit", "book(limit: VALUE, order_by: {id: asc}) { id }", "Int", "2", 2, "1"),
    _query("large limit", "book(limit: VALUE, order_by: {id: asc}) { id }", "Int", "2000", 2000, "1"),
    _query("offset", "book(offset: VALUE, order_by: {id: asc}) { id }", "Int", "1", 1, "2"),
    _query(
        "distinct_on",
        "book(distinct_on: VALUE, order_by: [{genre: asc}, {id: desc}]) { id genre }",
        "[book_select_column!]",
        "genre",
        "genre",
        "[genre, id]",
    ),
    _query(
        "function",
        "search_books(args: VALUE) { id }",
        "search_books_args!",
        '{word: "b"}',
        {"word": "b"},
        '{word: "a"}',
    ),
    _query("function argument", 'search_books(args: {word: "", fewest: VALUE}) { id }', "Int", "2", 2, "1"),
    _query(
        "function and where",
        'search_books(args: {word: "b"}, where: VALUE) { id }',
        "book_bool_exp",
        "{n: {_eq: 2}}",
        {"n": {"_eq": 2}},
        "{}",
    ),
    _query(
        "computed",
        f"book{_BOOKS[:-1]} label(args: VALUE) }}",
        "label_book_args",
        '{prefix: "P"}',
        {"prefix": "P"},
        "{}",
    ),
    _query("computed argument", f"book{_BOOKS[:-1]} label(args: {{prefix: VALUE}}) }}", "String", '"P"', "P", '"Q"'),
    _query("computed rows", "book_by_pk(id: 1) { rivals(args: {fewest: VALUE}) { id } }", "Int", "1", 1, "0"),
    _query("json path", "book_by_pk(id: 1) { doc(path: VALUE) }", "String", '"$.a.b[1]"', "$.a.b[1]", '"a"'),
    _query(
        "aggregate predicate",
        "shelf(where: {books_aggregate: {count: {predicate: {_gt: VALUE}}}}) { id }",
        "Int",
        "1",
        1,
        "5",
    ),
    _query(
        "aggregate filter",
        "shelf(where: {books_aggregate: {count: {predicate: {_eq: 1}, filter: VALUE}}}, order_by: {id: asc}) { id }",
        "book_bool_exp",
        "{genre: {_eq: essay}}",
        {"genre": {"_eq": "essay"}},
        "{}",
    ),
    _query(
        "count of",
        "book_aggregate { aggregate { count(columns: VALUE) } }",
        "[book_select_column!]",
        "[n]",
        ["n"],
        "id",
    ),
    _query(
        "count distinct",
        "book_aggregate { aggregate { count(columns: genre, distinct: VALUE) } }",
        "Boolean",
        "true",
        True,
        "false",
    ),
    _query(
        "nested where",
        "shelf(order_by: {id: asc}) { books(where: VALUE) { id } }",
        "book_bool_exp",
        "{n: {_eq: 1}}",
        {"n": {"_eq": 1}},
        "{}",
    ),
    _query(
        "nested aggregate's limit",
        "shelf(order_by: {id: asc}) { books_aggregate(limit: VALUE) { aggregate { count } } }",
        "Int",
        "1",
        1,
        "0",
    ),
    _query("include", "book_by_pk(id: 1) { id title @include(if: VALUE) }", "Boolean!", "true", True, "false"),
    _query(
        "skip", "book_by_pk(id: 1) { id ... on book @skip(if: VALUE) { title } }", "Boolean!", "true", True, "false"
    ),
]
# Root fields that no subscription has.
INTROSPECTION = [_query("__type", "__type(name: VALUE) { name }", "String!", '"book"', "book", '"shelf"')]
STREAMS = [
    Position(
        name,
        f"subscription HEAD {{ book_stream({arguments}) {{ id }} }}",
        kind,
        literal,
        value,
        other,
    )
    for name, arguments, kind, literal, value, other in (
        ("batch_size", "batch_size: VALUE, cursor: {initial_value: {id: 0}}", "Int!", "2", 2, "1"),
        (
            "cursor",
            "batch_size: 5, cursor: VALUE",
            "[book_stream_cursor_input]!",
            "{initial_value: {id: 1}, ordering: ASC}",
            {"initial_value": {"id": 1}, "ordering": "ASC"},
            "[{initial_value: {id: 2}}]",
        ),
        ("initial value", "batch_size: 5, cursor: {initial_value: {id: VALUE}}", "Int", "1", 1, "0"),
        (
            "where of a stream",
            "batch_size: 5, cursor: {initial_value: {id: 0}}, where: VALUE",
            "book_bool_exp",
            "{n: {_eq: 2}}",
            {"n": {"_eq": 2}},
            "{}",
        ),
    )
]
_SOME = '{id: 7, title: "new", tags: ["t"], doc: {a: [1, null]}, shelf: {data: {id: 9, name: "s"}}}'
_SOME_VALUE = {
    "id": 7,
    "title": "new",
    "tags": ["t"],
    "doc": {"a": [1, None]},
    "shelf": {"data": {"id": 9, "name": "s"}},
}
_UPSERT = "constraint: shelf_name_key, update_columns: [id]"
MUTATIONS = [
    _mutation(
        "objects",
        "insert_book(objects: VALUE) { affected_rows returning { id title } }",
        "[book_insert_input!]!",
        f'[{_SOME}, {{id: 8, title: "more"}}]',
        [_SOME_VALUE, {"id": 8, "title": "more"}],
        "[]",
    ),
    _mutation(
        "one of objects",
        "insert_book(objects: VALUE) { affected_rows }",
        "[book_insert_input!]!",
        _SOME,
        _SOME_VALUE,
        "[]",
    ),
    _mutation(
        "object", "insert_book_one(object: VALUE) { id }", "book_insert_input!", _SOME, _SOME_VALUE, '{title: "q"}'
    ),
    _mutation(
        "array of one",
        'insert_book_one(object: {id: 7, title: "x", tags: VALUE}) { tags }',
        "[String!]",
        '"t"',
        "t",
        "[]",
    ),
    _mutation(
        "field of an object", "insert_book_one(object: {id: 7, title: VALUE}) { id }", "String", '"v"', "v", '"w"'
    ),
    _mutation(
        "enum of an object",
        'insert_book_one(object: {id: 7, title: "t", genre: VALUE}) { id }',
        "genre_enum",
        "poem",
        "poem",
        "essay",
    ),
    _mutation(
        "json of an object",
        'insert_book_one(object: {id: 7, title: "t", doc: VALUE}) { id }',
        "jsonb",
        '{a: [1, {b: "c"}], d: null}',
        {"a": [1, {"b": "c"}], "d": None},
        "{}",
    ),
    _mutation(
        "inside json",
        'insert_book_one(object: {id: 7, title: "t", doc: {a: [VALUE]}}) { id }',
        "Int",
        "5",
        5,
        "6",
    ),
    _mutation(
        "nested data",
        'insert_shelf_one(object: {id: 7, name: "t", books: {data: VALUE}}) { id }',
        "[book_insert_input!]!",
        '{id: 8, title: "t"}',
        {"id": 8, "title": "t"},
        "[]",
    ),
    _mutation(
        "nested insert",
        'insert_book_one(object: {id: 7, title: "t", shelf: VALUE}) { shelf_id }',
        "shelf_obj_rel_insert_input",
        f'{{data: {{id: 9, name: "low"}}, on_conflict: {{{_UPSERT}, where: {{id: {{_gt: 3}}}}}}}}'.replace(
            "low", "new"
        ),
        {
            "data": {"id": 9, "name": "new"},
            "on_conflict": {
                "constraint": "shelf_name_key",
                "update_columns": ["id"],
                "where": {"id": {"_gt": 3}},
            },
        },
        '{data: {id: 10, name: "o"}}',
    ),
    _mutation(
        "on_conflict",
        'insert_shelf_one(object: {id: 3, name: "renamed"}, on_conflict: VALUE) { name }',
        "shelf_on_conflict",
        "{constraint: shelf_pkey, update_columns: name}",
        {"constraint": "shelf_pkey", "update_columns": "name"},
        "{constraint: shelf_pkey}",
    ),
    _mutation(
        "on_conflict's default",
        'insert_shelf_one(object: {id: 3, name: "renamed"}, on_conflict: VALUE) { name }',
        "shelf_on_conflict",
        "{constraint: shelf_pkey}",
        {"constraint": "shelf_pkey"},
        "{constraint: shelf_pkey, update_columns: name}",
    ),
    _mutation(
        "update_columns",
        'insert_shelf_one(object: {id: 3, name: "r"}, on_conflict: {constraint: shelf_pkey, update_columns: VALUE})'
        " { id }",
        "[shelf_update_column!]!",
        "name",
        "name",
        "[]",
    ),
    _mutation(
        "_set",
        "update_book_by_pk(pk_columns: {id: 1}, _set: VALUE) { title }",
        "book_set_input",
        '{title: "s", n: null}',
        {"title": "s", "n": None},
        '{title: "x"}',
    ),
    _mutation(
        "field of _set",
        "update_book_by_pk(pk_columns: {id: 1}, _set: {title: VALUE}) { title }",
        "String",
        '"s"',
        "s",
        '"x"',
    ),
    _mutation(
        "null of _set", "update_book_by_pk(pk_columns: {id: 1}, _set: {n: VALUE}) { n }", "Int", "null", None, "5"
    ),
    _mutation("_inc", "update_book(where: {id: {_eq: 2}}, _inc: {n: VALUE}) { returning { n } }", "Int", "5", 5, "6"),
    _mutation(
        "_append",
        "update_book(where: {id: {_eq: 2}}, _append: {doc: VALUE}) { returning { doc } }",
        "jsonb",
        "[4]",
        [4],
        "5",
    ),
    _mutation(
        "_prepend",
        "update_book(where: {id: {_eq: 2}}, _prepend: VALUE) { returning { doc } }",
        "book_prepend_input",
        "{doc: [0]}",
        {"doc": [0]},
        "{doc: 1}",
    ),
    _mutation(
        "_delete_key",
        "update_book(where: {id: {_eq: 1}}, _delete_key: {doc: VALUE}) { returning { doc } }",
        "String",
        '"k"',
        "k",
        '"a"',
    ),
    _mutation(
        "_delete_elem",
        "update_book(where: {id: {_eq: 2}}, _delete_elem: {doc: VALUE}) { returning { doc } }",
        "Int",
        "1",
        1,
        "0",
    ),
    _mutation(
        "_delete_at_path",
        "update_book(where: {id: {_eq: 1}}, _delete_at_path: {doc: VALUE}) { returning { doc } }",
        "[String!]",
        '["a", "b"]',
        ["a", "b"],
        '"k"',
    ),
    _mutation(
        "pk_columns",
        'update_book_by_pk(pk_columns: VALUE, _set: {title: "p"}) { id }',
        "book_pk_columns_input!",
        "{id: 2}",
        {"id": 2},
        "{id: 1}",
    ),
    _mutation(
        "update's where",
        'update_book(where: VALUE, _set: {title: "w"}) { affected_rows }',
        "book_bool_exp!",
        "{n: {_eq: 2}}",
        {"n": {"_eq": 2}},
        "{}",
    ),
    _mutation(
        "updates",
        "update_book_many(updates: VALUE) { affected_rows }",
        "[book_updates!]!",
        '[{where: {id: {_eq: 1}}, _set: {title: "m"}}, {where: {id: {_eq: 2}}, _inc: {n: 1}}]',
        [
            {"where": {"id": {"_eq": 1}}, "_set": {"title": "m"}},
            {"where": {"id": {"_eq": 2}}, "_inc": {"n": 1}},
        ],
        '{where: {}, _set: {title: "all"}}',
    ),
    _mutation(
        "delete",
        "delete_book(where: VALUE) { affected_rows }",
        "book_bool_exp!",
        "{n: {_eq: 2}}",
        {"n": {"_eq": 2}},
        "{id: {_eq: 1}}",
    ),
    _mutation("field of delete", "delete_book(where: {n: {_eq: VALUE}}) { returning { id } }", "Int", "2", 2, "1"),
    _mutation("delete_by_pk", "delete_book_by_pk(id: VALUE) { id }", "Int!", "2", 2, "1"),
    _mutation("function that writes", "restock(args: {word: VALUE}) { id n }", "String", '"b"', "b", '"a"'),
]


def make_library(served: Served) -> None:
    """Makes and tracks the tables and functions."""
    served.sql(_DDL + RESET)
    served.metadata_bulk(list(_tracking()))


def _tracking() -> Iterator[dict[str, Any]]:
    def call(kind: str, **args: Any) -> dict[str, Any]:
        return {"type": kind, "args": {"source": "default", **args}}

    yield from (call("pg_track_table", table=name) for name in ("genre", "shelf", "book"))
    yield call("pg_set_table_is_enum", table="genre", is_enum=True)
    yield call(
        "pg_create_object_relationship", table="book", name="shelf", using={"foreign_key_constraint_on": "shelf_id"}
    )
    yield call(
        "pg_create_array_relationship",
        table="shelf",
        name="books",
        using={"foreign_key_constraint_on": {"table": "book", "column": "shelf_id"}},
    )
    for name, function in (("label", "book_label"), ("rivals", "book_rivals")):
        yield call("pg_add_computed_field", table="book", name=name, definition={"function": function})
    yield call("pg_track_function", function="search_books")
    yield call("pg_track_function", function="restock", configuration={"exposed_as": "mutation"})
