"""What is resolved step by step is what is resolved from nothing."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hasura.engine.errors import EngineError
from hasura.engine.resolve.loading import load_world
from hasura.engine.resolve.world import World
from hasura.engine.schema_cache import SchemaOptions
from hasura.engine.session import Session
from tests.hasura.engine.metadata.conftest import Metadata
from tests.lengths import at_length

TABLES = ("alpha", "beta", "gamma", "delta")
COLUMNS = ("id", "name", "other", "alpha_id", "beta_id")
START = """
create table alpha (id text primary key, name text);
create table beta (id text primary key, name text, alpha_id text references alpha);
create table gamma (id text primary key, other text, alpha_id text references alpha, beta_id text references beta);
create table delta (id text primary key, name text, other text, gamma_id text references gamma);
insert into alpha values ('a0');
"""
ROLES = ("user", "guest")

Call = tuple[str, Any]


def comparable(world: World) -> dict[str, Any]:
    """All of a world but version numbers."""
    snapshot = world.snapshot
    return {
        "tables": {name: replace(table) for name, table in snapshot.tables.items()},
        "functions": dict(snapshot.functions),
        "query": dict(snapshot.query_fields),
        "mutation": dict(snapshot.mutation_fields),
        "stream": dict(snapshot.stream_fields),
        "inconsistent": snapshot.inconsistent_objects,
        "consulted": dict(world.consulted),
        "dependents": dict(world.dependents),
        "catalog": dict(world.catalog.tables),
        "enums": dict(world.catalog.enums),
        "names": dict(world.catalog.names),
        "referring": dict(world.catalog.referring),
        "metadata": dict(world.metadata.tables),
    }


class Changes:
    """Random calls of the API; many are refused, which is part of the matter."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def next(self) -> Call:
        makers: tuple[Callable[[], Call], ...] = (
            self._ddl,
            self._ddl,
            self._hidden_ddl,
            self._tracking,
            self._relationship,
            self._relationship,
            self._permission,
            self._permission,
            self._other,
        )
        return self._pick(makers)()

    def _pick(self, items: Any) -> Any:
        return self._random.choice(items)

    def _statement(self) -> str:
        table, column = self._pick(TABLES), self._pick(COLUMNS)
        other = self._pick(TABLES)
        return str(
            self._pick(
                (
                    f"create table {table} (id text primary key, name text)",
                    f"create table {table} (id text primary key, name text, {other}_id text references {other})",
                    f"drop table {table} cascade",
                    f"alter table {table} rename to {other}",
                    f"alter table {table} rename to {other}",
                    f"alter table {table} rename column {column} to {self._pick(COLUMNS)}",
                    f"alter table {table} drop column {column} cascade",
                    f"alter table {table} add column {column} text",
                    f"alter table {table} add column alpha_id text references alpha",
                    f"alter table {table} alter column {column} type varchar(20)",
                    f"insert into {table} (id) values ('a{self._random.random():.0f}') on conflict do nothing",
                    f"comment on table {table} is '{self._random.random()}'",
                )
            )
        )

    def _ddl(self) -> Call:
        return "run_sql", {"sql": self._statement(), "cascade": self._random.random() < 0.7}

    def _hidden_ddl(self) -> Call:
        hidden = {"type": "run_sql", "args": {"sql": self._statement(), "check_metadata_consistency": False}}
        return "bulk", [hidden, {"type": "reload_metadata", "args": {}}]

    def _tracking(self) -> Call:
        table = self._pick(TABLES)
        if self._random.random() < 0.7:
            return "track_table", table
        return "untrack_table", {"table": table, "cascade": self._random.random() < 0.6}

    def _relationship(self) -> Call:
        table, name = self._pick(TABLES), f"r{self._random.randrange(4)}"
        draw = self._random.random()
        if draw < 0.15:
            return "drop_relationship", {"table": table, "relationship": name, "cascade": draw < 0.1}
        if draw < 0.25:
            return "rename_relationship", {"table": table, "name": name, "new_name": f"r{self._random.randrange(4)}"}
        if draw < 0.6:
            mapping = {self._pick(COLUMNS): self._pick(COLUMNS)}
            using: Any = {"manual_configuration": {"remote_table": self._pick(TABLES), "column_mapping": mapping}}
            return "create_object_relationship", {"table": table, "name": name, "using": using}
        key = {"table": self._pick(TABLES), "column": f"{table}_id"}
        return "create_array_relationship", {
            "table": table,
            "name": name,
            "using": {"foreign_key_constraint_on": key},
        }

    def _permission(self) -> Call:
        table, role = self._pick(TABLES), self._pick(ROLES)
        if self._random.random() < 0.25:
            return "drop_select_permission", {"table": table, "role": role}
        column = {self._pick(COLUMNS): {"_eq": "X-Hasura-User-Id"}}
        condition = self._pick(
            (
                {},
                column,
                {"r0": column},
                {"_not": {"r1": {"r2": column}}},
                {"_exists": {"_table": self._pick(TABLES), "_where": column}},
            )
        )
        columns = self._pick(("*", ["id"], ["id", self._pick(COLUMNS)]))
        return "create_select_permission", {
            "table": table,
            "role": role,
            "permission": {"columns": columns, "filter": condition},
        }

    def _other(self) -> Call:
        table = self._pick(TABLES)
        custom = {"custom_name": self._pick((*TABLES, "zeta"))}
        return self._pick(
            (
                ("set_table_is_enum", {"table": table, "is_enum": self._random.random() < 0.7}),
                ("set_table_customization", {"table": table, "configuration": custom}),
                ("set_table_customization", {"table": table, "configuration": {}}),
                ("drop_inconsistent_metadata", {}),
            )
        )


@pytest.mark.parametrize("seed", range(at_length(1, full=4)))
def test_any_sequence_of_changes_gives_the_world_that_loading_gives(metadata: Metadata, seed: int) -> None:
    changes, done = Changes(seed), 0
    metadata.sql(START)
    metadata.track(*TABLES)

    async def run() -> int:
        nonlocal done
        connection = await metadata.connect()
        try:
            for number in range(100):
                kind, args = changes.next()
                try:
                    await metadata.service.run(
                        {"type": kind, "args": args}, session=Session.admin(), path="/v1/query"
                    )
                    done += 1
                except EngineError:
                    continue
                loaded = await load_world(connection, SchemaOptions())
                assert comparable(metadata.service._world) == comparable(loaded), f"after {number}: {kind} {args}"
        finally:
            await connection.close()
        return done

    assert metadata.run(run()) > 20
