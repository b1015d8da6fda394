"""Several engines on one database, and calls inside a caller's transaction."""

import asyncio
from collections.abc import Callable, Iterator

import asyncpg
import pytest

from hasura.engine import metadata_service
from hasura.engine.catalog.types import QualifiedName
from hasura.engine.errors import EngineError
from hasura.engine.session import Session
from tests.connections import END_OTHER_CONNECTIONS
from tests.hasura.engine.metadata.conftest import Metadata
from tests.waiting import eventually

AUTHOR, ARTICLE = QualifiedName("public", "author"), QualifiedName("public", "article")


@pytest.fixture(scope="module", autouse=True)
def without_looking() -> Iterator[None]:
    """Only what is notified is seen."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metadata_service, "_POLL_SECONDS", 3600.0)
        yield


@pytest.fixture(scope="module")
def other(_engine: Metadata, create_engine: Callable[[], Metadata]) -> Metadata:
    """A second process."""
    return create_engine()


def wait_until(metadata: Metadata, condition: Callable[[], bool]) -> None:
    metadata.run(eventually(condition, what=lambda: "the other engine never saw the change"))


def test_a_change_made_through_one_engine_is_seen_by_another(metadata: Metadata, other: Metadata) -> None:
    metadata.authors()

    wait_until(other, lambda: "articles" in _relationships(other, AUTHOR))
    metadata.sql("alter table author add column extra text")
    wait_until(other, lambda: "extra" in other.snapshot.tables[AUTHOR].columns_by_name)
    metadata.call("pg_untrack_table", {"table": "author", "cascade": True})
    wait_until(other, lambda: set(other.snapshot.tables) == {ARTICLE})


def _relationships(metadata: Metadata, table: QualifiedName) -> set[str]:
    found = metadata.snapshot.tables.get(table)
    return set(found.relationships) if found is not None else set()


def test_changes_made_at_once_through_two_engines_are_both_kept(metadata: Metadata, other: Metadata) -> None:
    metadata.sql(";".join(f"create table t{number} (id int)" for number in range(10)))

    async def track_all() -> None:
        calls = [
            engine.service.run(
                {"type": "pg_track_table", "args": {"table": f"t{number}"}},
                session=Session.admin(),
                path="/v1/metadata",
            )
            for number, engine in enumerate([metadata, other] * 5)
        ]
        await asyncio.gather(*calls)

    metadata.run(track_all())

    for engine in (metadata, other):
        engine.run(engine.service.refresh())
        assert len(engine.snapshot.tables) == 10
        assert "t9_by_pk" not in engine.snapshot.query_fields and "t9" in engine.snapshot.query_fields


def test_an_engine_that_lost_its_connections_follows_again(metadata: Metadata, other: Metadata) -> None:
    async def cut() -> None:
        connection = await asyncpg.connect(metadata.url)
        await connection.execute(END_OTHER_CONNECTIONS)
        await connection.close()

    metadata.run(cut())
    metadata.sql("create table author (id int)")
    metadata.track("author")

    wait_until(other, lambda: AUTHOR in other.snapshot.tables)


def test_a_callers_transaction_sees_its_own_tables_before_anybody_else(metadata: Metadata) -> None:
    async def work() -> None:
        connection = await asyncpg.connect(metadata.url)
        try:
            async with connection.transaction():
                await connection.execute("create table author (id int primary key)")
                for call in (
                    {"type": "pg_track_table", "args": {"table": "author"}},
                    {
                        "type": "pg_create_select_permission",
                        "args": {"table": "author", "role": "user", "permission": {"columns": ["id"], "filter": {}}},
                    },
                ):
                    answer = await metadata.service.run(
                        call, session=Session.admin(), path="/v1/metadata", connection=connection
                    )
                    assert answer == {"message": "success"}
                await connection.execute("alter table author add column name text")
                exported = await metadata.service.run(
                    {"type": "export_metadata", "args": {}},
                    session=Session.admin(),
                    path="/v1/metadata",
                    connection=connection,
                )
                assert isinstance(exported, dict) and len(exported["sources"][0]["tables"]) == 1
                assert AUTHOR not in metadata.snapshot.tables
        finally:
            await connection.close()
        await metadata.service.refresh()

    metadata.run(work())

    table = metadata.snapshot.tables[AUTHOR]
    assert set(table.columns_by_name) == {"id", "name"}
    assert table.select_permissions["user"].columns == {"id"}


def test_nothing_stays_of_a_callers_transaction_that_is_rolled_back(metadata: Metadata) -> None:
    before = metadata.call("export_metadata", version=2)

    async def work() -> None:
        connection = await asyncpg.connect(metadata.url)
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("create table author (id int)")
        await metadata.service.run(
            {"type": "pg_track_table", "args": {"table": "author"}},
            session=Session.admin(),
            path="/v1/metadata",
            connection=connection,
        )
        await transaction.rollback()
        await connection.close()
        await metadata.service.refresh()

    metadata.run(work())

    assert dict(metadata.snapshot.tables) == {}
    assert metadata.call("export_metadata", version=2) == before


def test_a_refusal_leaves_the_callers_transaction_usable(metadata: Metadata) -> None:
    async def work() -> int:
        connection = await asyncpg.connect(metadata.url)
        try:
            async with connection.transaction():
                with pytest.raises(EngineError, match="no such table"):
                    await metadata.service.run(
                        {"type": "pg_track_table", "args": {"table": "nobody"}},
                        session=Session.admin(),
                        path="/v1/metadata",
                        connection=connection,
                    )
                value: int = await connection.fetchval("select 1")
                return value
        finally:
            await connection.close()

    assert metadata.run(work()) == 1


def test_a_new_process_finds_everything(metadata: Metadata, create_engine: Callable[[], Metadata]) -> None:
    metadata.authors()
    metadata.permit("author", "user")

    fresh = create_engine()

    assert dict(fresh.snapshot.tables) == dict(metadata.snapshot.tables)
    assert dict(fresh.snapshot.query_fields) == dict(metadata.snapshot.query_fields)
    assert fresh.snapshot.resource_version == metadata.snapshot.resource_version
