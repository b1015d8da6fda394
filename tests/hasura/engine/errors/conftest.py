"""Engines that are served once for all cases: what they refuse changes nothing."""

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hasura.engine.options import EngineOptions
from platform_api.supervisor.postgres import EmbeddedPostgres
from tests.hasura.engine.errors.asking import JWT_KEY
from tests.hasura.engine.serving.conftest import SECRET, Served, execute, start_serving

_DDL = (Path(__file__).parent / "world.sql").read_text()


def _call(kind: str, **args: Any) -> dict[str, Any]:
    return {"type": f"pg_{kind}", "args": {"source": "default", **args}}


def _permission(operation: str, table: str, role: str, **permission: Any) -> dict[str, Any]:
    return _call(f"create_{operation}_permission", table=table, role=role, permission=permission)


_COLUMNS = ["id", "name", "age", "code"]


def _permissions() -> list[dict[str, Any]]:
    """`user` sees and writes who is younger than 100; `inserter` only inserts; `reader` reads oneself."""
    young = {"age": {"_lt": 100}}
    own = {"id": {"_eq": "X-Hasura-User-Id"}}
    return [
        _permission("select", "person", "user", columns=_COLUMNS, computed_fields=["shout"], filter={}),
        _permission("insert", "person", "user", columns=_COLUMNS, check=young),
        _permission("update", "person", "user", columns=["name", "age"], filter={}, check=young),
        _permission("delete", "person", "user", filter={}),
        _permission("insert", "person", "inserter", columns=_COLUMNS, check={}),
        _permission("select", "person", "reader", columns=["id"], filter=own),
        _permission("select", "person", "unseeing", columns=["id"], filter={}),
        _permission("select", "person", "parent", columns=["id", "born"], filter=own),
        _permission("select", "person", "limited", columns=_COLUMNS, filter={}),
        _permission("select", "pet", "limited", columns=["id"], filter={"name": {"_neq": "Max"}}),
        _permission("select", "person", "rated", columns=_COLUMNS, filter={}),
        _permission("select", "slow", "hurried", columns=["id"], filter={}),
        {"type": "add_inherited_role", "args": {"role_name": "heir", "role_set": ["parent", "unseeing"]}},
        {"type": "set_graphql_schema_introspection_options", "args": {"disabled_for_roles": ["unseeing"]}},
        {"type": "set_api_limits", "args": _LIMITS},
    ]


_LIMITS: dict[str, Any] = {
    "depth_limit": {"per_role": {"limited": 2}},
    "node_limit": {"per_role": {"limited": 3}},
    "batch_limit": {"per_role": {"limited": 2}},
    "rate_limit": {"per_role": {"rated": {"max_reqs_per_min": 0}}},
    "time_limit": {"per_role": {"hurried": 0.1}},
}
_QUERIES = {
    "people": "query ($id: Int!) { person(where: {id: {_eq: $id}}) { id } }",
    "named": "query ($name: String) { person(where: {name: {_eq: $name}}) { id } }",
}


def _endpoint(name: str, url: str, method: str) -> dict[str, Any]:
    query = {"collection_name": "known", "query_name": name}
    return {
        "type": "create_rest_endpoint",
        "args": {"name": name, "url": url, "methods": [method], "definition": {"query": query}},
    }


def _collections() -> list[dict[str, Any]]:
    queries = [{"name": name, "query": text} for name, text in _QUERIES.items()]
    return [
        {"type": "create_query_collection", "args": {"name": "known", "definition": {"queries": queries}}},
        {"type": "create_query_collection", "args": {"name": "allowed", "definition": {"queries": queries[:1]}}},
        {"type": "add_collection_to_allowlist", "args": {"collection": "allowed"}},
        _endpoint("people", "people/:id", "GET"),
        _endpoint("named", "named", "POST"),
    ]


def _metadata() -> list[dict[str, Any]]:
    return [
        *(_call("track_table", table=table) for table in ("color", "person", "pet", "divided", "slow")),
        _call("set_table_is_enum", table="color", is_enum=True),
        _call("set_table_customization", table="person", configuration={"custom_column_names": {"mail": "address"}}),
        _call("track_function", function="rename", configuration={"exposed_as": "mutation"}),
        *(_call("track_function", function=function) for function in ("find", "odd")),
        *(
            _call("add_computed_field", table="person", name=name, definition={"function": name})
            for name in ("shout", "louder", "found")
        ),
        _call(
            "create_object_relationship", table="pet", name="owner", using={"foreign_key_constraint_on": "owner_id"}
        ),
        _call(
            "create_array_relationship",
            table="person",
            name="pets",
            using={"foreign_key_constraint_on": {"table": "pet", "columns": ["owner_id"]}},
        ),
        *_permissions(),
        _call("create_function_permission", function="find", role="user"),
        *_collections(),
    ]


_OTHER_OPTIONS: dict[str, dict[str, Any]] = {
    "usual": {},
    "allowlist": {"enable_allowlist": True},
    "jwt": {"jwt_secret": json.dumps({"type": "HS256", "key": JWT_KEY})},
    "jwt in text": {"jwt_secret": json.dumps({"type": "HS256", "key": JWT_KEY, "claims_format": "stringified_json"})},
    # Nobody listens at this port.
    "jwt with lost keys": {"jwt_secret": json.dumps({"jwk_url": "http://127.0.0.1:9/"})},
}


class Engines:
    """Engines on one database, each started when it is first asked for."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._running: dict[str, tuple[Served, Callable[[], None]]] = {}

    def named(self, name: str) -> Served:
        """The engine with the options of this name."""
        if name not in self._running:
            options = EngineOptions(database_url=self._url, admin_secret=SECRET, **_OTHER_OPTIONS[name])
            self._running[name] = start_serving(options)
        return self._running[name][0]

    def stop(self) -> None:
        """Ends all."""
        for _, stop in self._running.values():
            stop()


@pytest.fixture(scope="session")
def engines(postgres: EmbeddedPostgres) -> Iterator[Engines]:
    """The engines that the cases ask."""
    name = f"errors_{os.getpid()}"
    asyncio.run(execute(postgres.url(), f'create database "{name}"'))
    url = postgres.url(name)
    asyncio.run(execute(url, _DDL))
    engines = Engines(url)
    engines.named("usual").metadata_bulk(_metadata())
    yield engines
    engines.stop()
    asyncio.run(execute(postgres.url(), f'drop database "{name}" with (force)'))
