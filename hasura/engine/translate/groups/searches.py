"""Searches a large table for the first few of each key's many rows that pass a filter, for all keys at once.

Does for rows nested in many others what `translate.searches` does for a list at the root, in the order that an index
gives the rows of one key. `B` rows of each key are tried in their order; that is enough for a value that many rows
have. Of keys of which too few pass, all rows that pass are gathered:

    with keys as materialized (select distinct key from rows),
    tried as materialized (
      select ... from keys cross join lateral (
        select ..., row_number() over () from (
          select * from (select * from other where other.key = keys.key order by ... limit B) as walked
          where filter order by ... limit n))),
    lacking as materialized (
      select key from keys where key not in (select key from tried group by key having count(*) >= n)
        and exists (select from other where other.key = keys.key offset B)),
    passing as materialized (
      select * from (select ..., row_number() over () as number from other where filter and there are lacking keys)
      where number <= G + 1)
    select * from tried where key not in (select key from lacking)
    union all (rows of `passing` that belong to lacking keys, numbered and limited) where there are at most G
    union all (rows that pass of lacking keys, numbered and limited) where there are more

`G` is about how many rows the lacking keys have: a value that few rows have is found by its own index, once, and one
that only these keys lack is looked for among their rows.
"""

from typing import TYPE_CHECKING

from hasura.engine.ir.nodes import Rows
from hasura.engine.sql.composition import Sql, concat, ident, join, parenthesized, small_int, sql
from hasura.engine.translate.boolexp import Scope, condition
from hasura.engine.translate.fragments import (
    ROW_NUMBER,
    RowReference,
    materialized,
    row_count,
    table_name,
    used_columns,
    whole_row,
)
from hasura.engine.translate.groups.grouping import GroupSearch
from hasura.engine.translate.joins import Joins

if TYPE_CHECKING:
    from hasura.engine.translate.groups.translator import GroupTranslator
    from hasura.engine.translate.selects import SelectTranslator


class GroupSearchTranslator:
    """Translates the searches of groups of one statement."""

    def __init__(self, selects: "SelectTranslator", groups: "GroupTranslator") -> None:
        self._selects = selects
        self._groups = groups

    def select(self, rows: Rows, above: RowReference, parents: str, search: GroupSearch) -> Sql:
        """Returns what is read of the rows in the select `above`, and their numbers, within the limits."""
        aliases = self._selects.aliases
        keys, tried, lacking, passing = (aliases.name() for _ in range(4))
        shown = join(", ", [ident(name) for name in [*used_columns(above), ROW_NUMBER]])
        count = row_count(passing)
        max_gathered = _max_gathered(lacking, search)
        complete = concat(sql(" where ("), _remote(rows), sql(") not in (select * from "), ident(lacking), sql(")"))
        parts = [
            (ident(tried), complete),
            (
                parenthesized(self._groups.limited(rows, self._of_passing(rows, above, passing, lacking))),
                concat(sql(" where "), count, sql(" <= "), max_gathered),
            ),
            (
                parenthesized(self._groups.limited(rows, self._groups.numbered(rows, above, lacking))),
                concat(sql(" where "), count, sql(" > "), max_gathered),
            ),
        ]
        named = [
            materialized(keys, self._keys(rows, parents)),
            materialized(tried, self._tried(rows, above, keys, search.tries)),
            materialized(lacking, self._lacking(rows, keys, tried, search.tries)),
            materialized(passing, self._passing(rows, lacking, max_gathered)),
        ]
        selects = [
            concat(sql("select "), shown, sql(" from "), origin, sql(" as "), ident(aliases.name()), where)
            for origin, where in parts
        ]
        return concat(sql("with "), join(", ", named), sql(" "), join(" union all ", selects))

    def _keys(self, rows: Rows, parents: str) -> Sql:
        """Returns the keys that rows may have, each once, under the names of the rows they are nested in."""
        columns = [ident(parents, local) for local, _ in rows.join]
        return concat(
            sql("select distinct "),
            join(", ", columns),
            sql(" from "),
            ident(parents),
            sql(" where "),
            join(" and ", [concat(column, sql(" is not null")) for column in columns]),
        )

    def _tried(self, rows: Rows, above: RowReference, keys: str, tries: int) -> Sql:
        """Returns those of the first rows of each key that pass, with their numbers."""
        aliases, limit = self._selects.aliases, self._selects.limit(rows, rows.permission_limit)
        walked, passing, numbered = aliases.row(rows.table), aliases.row(rows.table, is_typed=False), aliases.name()
        walk = concat(
            sql("select "),
            whole_row(walked.alias),
            self._from(rows, walked, keys),
            self._order(rows, walked),
            sql(" limit "),
            small_int(tries),
        )
        scope = Scope(aliases, passing)
        passed = concat(
            sql("select "),
            whole_row(passing.alias),
            concat(sql(" from "), parenthesized(walk), sql(" as "), ident(passing.alias)),
            concat(sql(" where "), condition(scope, rows.where)),
            self._order(rows, passing),
            limit,
        )
        name = aliases.name()
        columns = [ident(name, column) for column in used_columns(above)]
        return concat(
            sql("select "),
            whole_row(numbered),
            concat(sql(" from "), ident(keys), sql(" cross join lateral (select ")),
            join("", [column + sql(", ") for column in columns]),
            concat(sql("row_number() over () as "), ident(ROW_NUMBER)),
            concat(sql(" from "), parenthesized(passed), sql(" as "), ident(name), sql(") as "), ident(numbered)),
        )

    def _lacking(self, rows: Rows, keys: str, tried: str, tries: int) -> Sql:
        """Returns the keys of which too few of the first rows pass, and that have further rows."""
        size = self._selects.size(rows, rows.permission_limit)
        assert size is not None
        row = self._selects.aliases.row(rows.table)
        remote = _remote(rows)
        found_keys = [concat(sql("select "), remote, sql(" from "), ident(tried), sql(" group by "), remote)]
        found_keys.append(concat(sql(" having count(*) >= "), size))
        further = concat(sql("select 1"), self._from(rows, row, keys), sql(" offset "), small_int(tries))
        return concat(
            concat(sql("select "), whole_row(keys), sql(" from "), ident(keys), sql(" where (")),
            join(", ", [ident(keys, local) for local, _ in rows.join]),
            concat(sql(") not in ("), *found_keys, sql(") and exists ("), further, sql(" limit 1)")),
        )

    def _passing(self, rows: Rows, lacking: str, max_gathered: Sql) -> Sql:
        """Returns all rows that pass where keys lack some; of too many, the first and one more.

        PostgreSQL stops numbering at the end of the range, but plans as if all were asked for.
        """
        row, name = self._selects.aliases.row(rows.table), self._selects.aliases.name()
        return concat(
            concat(sql("select * from (select "), whole_row(row.alias), sql(", row_number() over () as ")),
            concat(ident(ROW_NUMBER), sql(" from "), table_name(rows.table.name), sql(" as "), ident(row.alias)),
            concat(sql(" where "), condition(Scope(self._selects.aliases, row), rows.where)),
            concat(sql(" and "), row_count(lacking), sql(" > 0) as "), ident(name)),
            concat(sql(" where "), ident(name, ROW_NUMBER), sql(" <= 1 + "), max_gathered),
        )

    def _of_passing(self, rows: Rows, above: RowReference, passing: str, lacking: str) -> Sql:
        """Returns the passing rows of the lacking keys, numbered within each."""
        row = self._selects.aliases.row(rows.table, is_typed=False)
        columns = [row.column(column) for column in used_columns(above)]
        keys = [row.column(there) for _, there in rows.join]
        return concat(
            sql("select "),
            join("", [column + sql(", ") for column in columns]),
            concat(sql("row_number() over (partition by "), join(", ", keys), self._order(rows, row)),
            concat(sql(") as "), ident(ROW_NUMBER), sql(" from "), ident(passing), sql(" as "), ident(row.alias)),
            concat(sql(" where ("), join(", ", keys), sql(") in (select * from "), ident(lacking), sql(")")),
        )

    @staticmethod
    def _from(rows: Rows, row: RowReference, keys: str) -> Sql:
        """Returns ` from other where key = ...`: the rows of one of the keys."""
        same = [concat(row.column(there), sql(" = "), ident(keys, local)) for local, there in rows.join]
        origin = concat(sql(" from "), table_name(rows.table.name), sql(" as "), ident(row.alias))
        return concat(origin, sql(" where "), join(" and ", same))

    def _order(self, rows: Rows, row: RowReference) -> Sql:
        return self._selects.order(Scope(self._selects.aliases, row), rows.order_by, Joins())


def _max_gathered(lacking: str, search: GroupSearch) -> Sql:
    """Returns about how many rows the lacking keys have."""
    return concat(row_count(lacking), sql(" * "), small_int(search.rows_per_key))


def _remote(rows: Rows) -> Sql:
    return join(", ", [ident(there) for _, there in rows.join])
