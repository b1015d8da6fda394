"""An engine that is served once for all cases: what it refuses changes nothing."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hasura.engine.options import EngineOptions
from platform_api.supervisor.postgres import EmbeddedPostgres
from tests.hasura.engine.serving.conftest import SECRET, Served, execute, start_serving

_DDL = (Path(__file__).parent / "world.sql").read_text()


def _call(kind: str, **args: Any) -> dict[str, Any]:
    return {"type": f"pg_{kind}", "args": {"source": "default", **args}}


def _metadata() -> list[dict[str, Any]]:
    """`user` sees everything but colours, and writes who is younger than 100; `inserter` only inserts."""
    young = {"age": {"_lt": 100}}
    columns = ["id", "name", "age", "code"]
    return [
        *(_call("track_table", table=table) for table in ("color", "person", "pet")),
        _call("set_table_is_enum", table="color", is_enum=True),
        _call("track_function", function="rename", configuration={"exposed_as": "mutation"}),
        _call(
            "create_object_relationship", table="pet", name="owner", using={"foreign_key_constraint_on": "owner_id"}
        ),
        _call(
            "create_array_relationship",
            table="person",
            name="pets",
            using={"foreign_key_constraint_on": {"table": "pet", "columns": ["owner_id"]}},
        ),
        _call(
            "create_select_permission",
            table="person",
            role="user",
            permission={"columns": columns, "filter": {}, "allow_aggregations": True},
        ),
        _call(
            "create_insert_permission", table="person", role="user", permission={"columns": columns, "check": young}
        ),
        _call(
            "create_update_permission",
            table="person",
            role="user",
            permission={"columns": ["name", "age"], "filter": {}, "check": young},
        ),
        _call(
            "create_insert_permission", table="person", role="inserter", permission={"columns": columns, "check": {}}
        ),
        _call("create_delete_permission", table="person", role="user", permission={"filter": {}}),
        {"type": "create_query_collection", "args": {"name": "known", "definition": {"queries": []}}},
    ]


@pytest.fixture(scope="session")
def refusing(postgres: EmbeddedPostgres) -> Iterator[Served]:
    """The engine that the cases ask."""
    name = f"errors_{os.getpid()}"
    asyncio.run(execute(postgres.url(), f'create database "{name}"'))
    url = postgres.url(name)
    asyncio.run(execute(url, _DDL))
    served, stop = start_serving(EngineOptions(database_url=url, admin_secret=SECRET))
    served.metadata_bulk(_metadata())
    yield served
    stop()
    asyncio.run(execute(postgres.url(), f'drop database "{name}" with (force)'))
