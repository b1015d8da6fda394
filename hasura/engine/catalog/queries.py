"""Holds the catalogue queries. Each takes names or oids: one object among ten thousand is read as cheaply."""

# The bits of `pg_relation_is_updatable` per kind of command: 1 << CmdType.
UPDATE_BIT = 1 << 2
INSERT_BIT = 1 << 3
DELETE_BIT = 1 << 4

RELATIONS = """
select c.oid, n.nspname::text as schema, c.relname::text as name, c.relkind::text as kind,
  case when c.relkind in ('r', 'p') then 28
       when c.relkind in ('v', 'f') then pg_relation_is_updatable(c.oid, true) else 0 end as updatable,
  c.relkind <> 'p' and c.relhassubclass as has_children,
  greatest(c.reltuples, pg_stat_get_live_tuples(c.oid))::bigint as estimated_rows,
  (select json_agg(json_build_object(
     'has_all', i.indpred is null,
     'has_all_but_null', pg_get_expr(i.indpred, i.indrelid) = format('(%I IS NOT NULL)', first.attname),
     'is_ordered', m.amname = 'btree',
     'columns', (
       select json_agg(a.attname order by k.place) from unnest(i.indkey) with ordinality as k(number, place)
       left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number and k.number > 0
       where k.place <= i.indnkeyatts)))
   from pg_index i
   join pg_class x on x.oid = i.indexrelid
   join pg_am m on m.oid = x.relam and m.amname in ('btree', 'hash')
   join pg_attribute first on first.attrelid = i.indrelid and first.attnum = i.indkey[0]
   where i.indrelid = c.oid and i.indisvalid)::text as indexes,
  obj_description(c.oid, 'pg_class') as comment
from unnest($1::text[], $2::text[]) as requested(schema, name)
join pg_namespace n on n.nspname = requested.schema
join pg_class c on c.relnamespace = n.oid and c.relname = requested.name
where c.relkind in ('r', 'p', 'v', 'm', 'f')
"""

# Negative numbers are shares of the table's rows. One table at a time: the view answers for one table or for all.
DISTINCT_VALUES = """
select c.oid as relation, s.name, s.n_distinct
from unnest($1::oid[]) as requested(oid)
join pg_class c on c.oid = requested.oid
join pg_namespace n on n.oid = c.relnamespace
cross join lateral (
  select attname::text as name, n_distinct from pg_stats
  where schemaname = n.nspname and tablename = c.relname and not inherited and n_distinct <> 0
  offset 0
) s
"""

COLUMNS = """
select a.attrelid as relation, a.attname::text as name, a.attnum as position, a.atttypid as type,
  not (a.attnotnull or (t.typtype = 'd' and t.typnotnull)) as is_nullable, a.atthasdef as has_default,
  pg_get_expr(d.adbin, d.adrelid) as default, a.attidentity::text as identity, a.attgenerated::text as generated,
  col_description(a.attrelid, a.attnum) as comment
from pg_attribute a
join pg_type t on t.oid = a.atttypid
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attrelid = any($1::oid[]) and a.attnum > 0 and not a.attisdropped
order by a.attrelid, a.attnum
"""

# A foreign key that names a partitioned table has a row more for each of its partitions, and a partition has one for
# each foreign key it inherits: of these only those count that refer to the very table the first of them refers to.
CONSTRAINTS = """
select con.conrelid as relation, con.oid, con.conname::text as name, con.contype::text as kind,
  con.condeferrable as is_deferrable,
  (select array_agg(a.attname::text order by k.place) from unnest(con.conkey) with ordinality as k(number, place)
   join pg_attribute a on a.attrelid = con.conrelid and a.attnum = k.number) as columns,
  coalesce(origin.oid, 0) as inherited_from,
  con.confrelid as referenced_oid, n.nspname::text as referenced_schema, r.relname::text as referenced_name,
  (select array_agg(a.attname::text order by k.place) from unnest(con.confkey) with ordinality as k(number, place)
   join pg_attribute a on a.attrelid = con.confrelid and a.attnum = k.number) as referenced_columns
from pg_constraint con
left join pg_class r on r.oid = con.confrelid and con.confrelid <> 0
left join pg_namespace n on n.oid = r.relnamespace
left join lateral (
  with recursive above as (
    select oid, conparentid, confrelid from pg_constraint where oid = con.conparentid
    union all
    select c.oid, c.conparentid, c.confrelid from above join pg_constraint c on c.oid = above.conparentid
  )
  select oid, confrelid from above where conparentid = 0
) origin on con.contype = 'f' and con.conparentid <> 0
where con.conrelid = any($1::oid[]) and con.contype in ('p', 'u', 'f')
  and (con.contype <> 'f' or con.conparentid = 0 or con.confrelid = origin.confrelid)
order by con.conrelid, con.conname
"""

# Unique indexes that belong to no constraint. `keys` are quoted columns and expressions, `columns` the columns alone.
UNIQUE_INDEXES = """
select i.indrelid as relation, i.indexrelid as oid, c.relname::text as name,
  (select array_agg(pg_get_indexdef(i.indexrelid, place, false) order by place)
   from generate_series(1, i.indnkeyatts) as place) as keys,
  (select array_agg(a.attname::text order by k.place) from unnest(i.indkey) with ordinality as k(number, place)
   join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
   where k.place <= i.indnkeyatts and k.number <> 0) as columns,
  pg_get_expr(i.indpred, i.indrelid) as predicate
from pg_index i
join pg_class c on c.oid = i.indexrelid
where i.indrelid = any($1::oid[]) and i.indisunique and i.indisvalid
  and not exists (select from pg_constraint con where con.conindid = i.indexrelid and con.contype in ('p', 'u'))
order by i.indrelid, c.relname
"""

TYPES = """
with recursive requested(oid) as (
  select unnest($1::oid[])
  union
  select case when t.typtype = 'd' then t.typbasetype else t.typelem end
  from requested join pg_type t on t.oid = requested.oid
  where t.typtype = 'd' or (t.typelem <> 0 and t.typsubscript::text = 'array_subscript_handler')
)
select t.oid, n.nspname::text as schema, t.typname::text as name, t.typtype::text as kind,
  case when t.typsubscript::text = 'array_subscript_handler' then t.typelem else 0 end as element,
  t.typbasetype as base,
  (select array_agg(e.enumlabel::text order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid) as labels,
  rn.nspname::text as row_schema, r.relname::text as row_name
from requested join pg_type t on t.oid = requested.oid
join pg_namespace n on n.oid = t.typnamespace
left join pg_class r on r.oid = t.typrelid and r.relkind in ('r', 'p', 'v', 'm', 'f')
left join pg_namespace rn on rn.oid = r.relnamespace
"""

FUNCTIONS = """
select p.oid, n.nspname::text as schema, p.proname::text as name, p.provolatile::text as volatility,
  p.proretset as returns_set, p.prorettype as return_type, p.provariadic <> 0 as is_variadic,
  p.prokind::text as kind, p.pronargdefaults as defaults, p.proargtypes::oid[] as input_types,
  p.proallargtypes as all_types, p.proargmodes::text[] as modes, p.proargnames as names,
  obj_description(p.oid, 'pg_proc') as comment
from unnest($1::text[], $2::text[]) as requested(schema, name)
join pg_namespace n on n.nspname = requested.schema
join pg_proc p on p.pronamespace = n.oid and p.proname = requested.name
where p.prokind in ('f', 'a', 'w')
order by p.oid
"""

# Every statement that changes a relation holds one of these locks on it until its transaction ends: so these are the
# relations whose definition the current transaction may have changed, created or dropped. ShareLock is that of CREATE
# INDEX; a new name for an index locks the index alone, which is part of its table's definition.
CHANGED_RELATIONS = """
with locked as (
  select distinct relation as oid from pg_locks
  where locktype = 'relation' and pid = pg_backend_pid() and relation >= 16384
    and database = (select oid from pg_database where datname = current_database())
    and mode in (
      'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'
    )
)
select oid from locked
union
select i.indrelid from locked join pg_index i on i.indexrelid = locked.oid
"""

# Rows this transaction (or one of its subtransactions, or a later one) wrote.
CHANGED_FUNCTIONS = """
select p.oid from pg_proc p where p.oid >= 16384 and age(p.xmin) <= age(pg_current_xact_id()::xid)
union
select objid from pg_locks where locktype = 'object' and pid = pg_backend_pid() and classid = 'pg_proc'::regclass
"""

# Schemas this transaction created, renamed, or granted rights on; catalogue rows of what is in them are unchanged.
CHANGED_SCHEMAS = """
select n.oid from pg_namespace n where age(n.xmin) <= age(pg_current_xact_id()::xid)
"""

RELATIONS_OF_SCHEMAS = """
select c.oid, n.nspname::text as schema, c.relname::text as name
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.oid = any($1::oid[]) and c.relkind in ('r', 'p', 'v', 'm', 'f')
"""

FUNCTIONS_OF_SCHEMAS = """
select p.oid, n.nspname::text as schema, p.proname::text as name
from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.oid = any($1::oid[])
"""

# Tables with a column of a type that this transaction changed, or whose schema it changed.
RELATIONS_OF_CHANGED_TYPES = """
with changed as (
  select t.oid from pg_type t
  left join pg_class r on r.oid = t.typrelid
  where t.oid >= 16384 and t.typelem = 0 and (t.typrelid = 0 or r.relkind = 'c')
    and (age(t.xmin) <= age(pg_current_xact_id()::xid) or t.typnamespace = any($1::oid[]))
  union
  select e.enumtypid from pg_enum e where age(e.xmin) <= age(pg_current_xact_id()::xid)
), used as (
  select oid from changed union select t.typarray from changed join pg_type t using (oid)
)
select distinct a.attrelid as oid from pg_attribute a join used on a.atttypid = used.oid
"""

RELATION_NAMES = """
select c.oid, n.nspname::text as schema, c.relname::text as name
from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = any($1::oid[])
"""

FUNCTION_NAMES = """
select p.oid, n.nspname::text as schema, p.proname::text as name
from pg_proc p join pg_namespace n on n.oid = p.pronamespace where p.oid = any($1::oid[])
"""
