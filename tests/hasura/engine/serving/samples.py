"""Tables with a column of every type, one that refers to itself, and functions around them."""

from tests.hasura.engine.serving.conftest import Served

_DDL = """
create extension citext; create extension hstore; create extension ltree; create extension vector;
create type mood as enum ('sad', 'ok');
create type pair as (a integer, b text);
create domain positive as integer check (value > 0);
create table sample (
  id integer generated always as identity primary key, parent_id integer references sample,
  small smallint, n integer, big bigint, price numeric, cents numeric(10, 2), ratio double precision, weight real,
  cost money, title text, code varchar(10), fixed char(5), letter "char", tag citext, data bytea, flag boolean,
  day date, hour time, zoned timetz, plain timestamp, at timestamptz, lasts interval, ident uuid, raw json, doc jsonb,
  address inet, net cidr, card macaddr, mask bit(4), place point, span int4range, range numrange, days datemultirange,
  words tsvector, path ltree, pairs hstore, embedding vector(3), mood mood, twin pair, positive positive, object oid,
  numbers integer[], texts text[], prices numeric[], docs jsonb[], moods mood[], tags citext[], grid integer[][],
  doubled integer generated always as (n * 2) stored);
create table keyed (a integer, b text, c bigint, note text unique, primary key (a, b, c));
create function sample_label(r sample, prefix text default 'S') returns text language sql stable
  as $$ select prefix || coalesce(r.title, '') $$;
create function sample_price(r sample) returns numeric language sql stable as $$ select r.price $$;
create function sample_kin(r sample, at_least integer default 0) returns setof sample language sql stable
  as $$ select * from sample where parent_id = r.id and coalesce(n, 0) >= at_least $$;
create function find_samples(word text, feelings mood[] default '{}', amounts numeric[] default null, doc jsonb
  default null) returns setof sample language sql stable as $$ select * from sample where title like word $$;
create function first_keyed(at integer) returns keyed language sql stable as $$ select * from keyed where a = at $$;
create function note_keyed(at integer, by numeric) returns setof keyed language sql volatile
  as $$ update keyed set note = by::text where a = at returning * $$;
"""
RESET_SAMPLES = """
truncate sample, keyed restart identity;
insert into sample (parent_id, small, n, big, price, ratio, title, tag, doc, raw, path, pairs, embedding, mood, twin,
  numbers, moods, span, at, ident)
values
  (null, 1, 2, 9007199254740993, 12345678901234567.89, 0.5, 'a', 'A', '{"a": {"b": [1]}}', '{"r": 1}', 'a.b', 'a=>1',
   '[1,2,3]', 'ok', '(1,x)', '{1,2,null}', '{ok}', '[1,5)', '2024-01-01', '550e8400-e29b-41d4-a716-446655440000'),
  (1, null, 3, null, 'NaN', 'Infinity', 'ab', 'b', '[1, 2]', null, 'a', null, null, null, null, '{}', null, 'empty',
   'infinity', null);
insert into keyed values (1, 'a', 1, 'one'), (2, 'b', 2, null);
"""


def make_samples(served: Served) -> None:
    """The tables, filled and tracked."""
    served.sql(_DDL + RESET_SAMPLES)
    for table in ("sample", "keyed"):
        served.metadata("pg_track_table", source="default", table=table)
    served.metadata(
        "pg_create_object_relationship",
        source="default",
        table="sample",
        name="parent",
        using={"foreign_key_constraint_on": "parent_id"},
    )
    served.metadata(
        "pg_create_array_relationship",
        source="default",
        table="sample",
        name="children",
        using={"foreign_key_constraint_on": {"table": "sample", "column": "parent_id"}},
    )
    for name, function in [("label", "sample_label"), ("net_price", "sample_price"), ("kin", "sample_kin")]:
        served.metadata(
            "pg_add_computed_field",
            source="default",
            table="sample",
            name=name,
            definition={"function": function},
        )
    for function in ("find_samples", "first_keyed", "note_keyed"):
        served.metadata("pg_track_function", source="default", function=function)
