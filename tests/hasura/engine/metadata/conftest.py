"""One engine's metadata service on a database of its own per module; every test starts with nothing in it."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import pytest

from hasura.engine.errors import EngineError
from hasura.engine.metadata_service import MetadataService
from hasura.engine.schema_cache import SchemaCache, SchemaOptions
from hasura.engine.session import Session
from platform_api.supervisor.postgres import EmbeddedPostgres

AUTHORS = """
create table author (id serial primary key, name text unique, email text);
create table article (
  id serial primary key, title text not null, author_id integer not null references author (id)
);
insert into author (name) values ('Ann'), ('Bob');
insert into article (title, author_id) values ('One', 1), ('Two', 2), ('Three', 1);
"""


class Metadata:
    """Calls the API and shows what came of it."""

    def __init__(self, url: str, runner: "asyncio.Runner") -> None:
        self.url = url
        self.run = runner.run
        self.service = MetadataService(self.connect, SchemaOptions())

    async def connect(self) -> Any:
        return await asyncpg.connect(self.url, statement_cache_size=0)

    @property
    def snapshot(self) -> SchemaCache:
        return self.service.snapshot

    def post(self, payload: Any, *, path: str = "/v1/metadata", session: Session | None = None) -> Any:
        return self.run(self.service.run(payload, session=session or Session.admin(), path=path))

    def call(self, kind: str, args: Any = None, *, path: str = "/v1/metadata", **more: Any) -> Any:
        return self.post({"type": kind, "args": {} if args is None else args, **more}, path=path)

    def refusal(self, kind: str, args: Any = None, *, path: str = "/v1/metadata", **more: Any) -> dict[str, Any]:
        """The body a refused call is answered with, without its internals."""
        with pytest.raises(EngineError) as caught:
            self.call(kind, args, path=path, **more)
        return caught.value.to_api()

    def sql(self, text: str, **more: Any) -> Any:
        return self.call("run_sql", {"sql": text, **more}, path="/v2/query")

    def sql_refusal(self, text: str, **more: Any) -> dict[str, Any]:
        return self.refusal("run_sql", {"sql": text, **more}, path="/v2/query")

    def track(self, *tables: str) -> None:
        for table in tables:
            self.call("pg_track_table", {"table": table})

    def authors(self) -> None:
        """Authors and articles, tracked and related both ways."""
        self.sql(AUTHORS)
        self.track("author", "article")
        self.call(
            "pg_create_object_relationship",
            {"table": "article", "name": "author", "using": {"foreign_key_constraint_on": "author_id"}},
        )
        key = {"table": "article", "column": "author_id"}
        self.call(
            "pg_create_array_relationship",
            {"table": "author", "name": "articles", "using": {"foreign_key_constraint_on": key}},
        )

    def permit(self, table: str, role: str, *, operation: str = "select", **rules: Any) -> None:
        rules = {"columns": "*", "filter": {}, **rules} if operation == "select" else rules
        self.call(f"pg_create_{operation}_permission", {"table": table, "role": role, "permission": rules})

    def exported(self, table: str) -> dict[str, Any]:
        """A table's entry in the exported metadata."""
        for entry in self.call("export_metadata")["sources"][0]["tables"]:
            if entry["table"]["name"] == table:
                assert isinstance(entry, dict)
                return entry
        raise AssertionError(f"{table} is not tracked")

    def reset(self) -> None:
        self.call("clear_metadata")
        self.sql("drop schema public cascade; create schema public", check_metadata_consistency=False)


async def _administer(server: EmbeddedPostgres, statement: str) -> None:
    connection = await asyncpg.connect(server.url())
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def create_engine(postgres: EmbeddedPostgres, request: pytest.FixtureRequest) -> Iterator[Callable[[], Metadata]]:
    """Makes services on the module's database; all but the first are further processes of the same installation."""
    name = f"metadata_{request.module.__name__.rsplit('.', 1)[-1]}_{id(request.module)}"
    made: list[Metadata] = []
    with asyncio.Runner() as runner:
        runner.run(_administer(postgres, f'create database "{name}"'))

        def create() -> Metadata:
            metadata = Metadata(postgres.url(name), runner)
            runner.run(metadata.service.start())
            made.append(metadata)
            return metadata

        yield create
        for metadata in made:
            runner.run(metadata.service.stop())
        runner.run(_administer(postgres, f'drop database "{name}" with (force)'))


@pytest.fixture(scope="module")
def _engine(create_engine: Callable[[], Metadata]) -> Metadata:
    return create_engine()


@pytest.fixture
def metadata(_engine: Metadata) -> Iterator[Metadata]:
    """A service with nothing tracked and an empty database."""
    yield _engine
    _engine.reset()
