"""SQL that would never end, or that refuses a transaction: what it may hold, and for how long."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from hasura.engine.api.sql.execution import run_limited
from hasura.engine.api.sql.lexer import SqlStatement
from hasura.engine.api.sql.script import Script, run_together
from hasura.engine.api.workspace import Workspace
from hasura.engine.errors import EngineError
from hasura.engine.metadata_service import MetadataService
from hasura.engine.options import AdministrationLimits
from hasura.engine.schema_cache import SchemaOptions
from hasura.engine.session import Session
from tests.hasura.engine.metadata.conftest import Metadata

UNCHECKED = {"check_metadata_consistency": False}


@pytest.fixture
def limited(metadata: Metadata) -> Iterator[Callable[..., Metadata]]:
    """Makes services with limits of their own on the test's database."""
    unlimited = metadata.service

    def limit(**limits: float) -> Metadata:
        metadata.service = MetadataService(metadata.connect, SchemaOptions(), AdministrationLimits(**limits))
        metadata.run(metadata.service.start())
        return metadata

    yield limit
    if metadata.service is not unlimited:
        metadata.run(metadata.service.stop())
        metadata.service = unlimited


@contextlib.asynccontextmanager
async def connected(metadata: Metadata) -> AsyncIterator[Any]:
    """A connection beside the service's."""
    connection = await metadata.connect()
    try:
        yield connection
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "script",
    [
        "copy t from stdin",
        "create table u (a int); COPY t FROM stdin;",
        "-- rows\nCopy t (a) From\n STDIN; alter table t add column b int",
        "copy (select a from t) to stdout",
    ],
)
@pytest.mark.parametrize("options", [{}, UNCHECKED, {"read_only": True}])
def test_rows_cannot_be_copied_through_the_call(metadata: Metadata, script: str, options: dict[str, Any]) -> None:
    metadata.sql("create table t (a int)")

    refusal = metadata.sql_refusal(script, **options)

    assert (refusal["code"], refusal["path"]) == ("not-supported", "$.args.sql")
    assert str(refusal["error"]).startswith("`copy ")
    assert metadata.sql("select to_regclass('u') is null as none")["result"][1] == ["t"]


def test_the_place_of_a_refused_copy_in_a_bulk_is_told(metadata: Metadata) -> None:
    calls = [{"type": "run_sql", "args": {"sql": sql}} for sql in ("select 1", "copy t from stdin")]

    assert metadata.refusal("bulk", calls, path="/v2/query")["path"] == "$.args[1].args.sql"


def test_a_copy_that_came_through_is_ended(metadata: Metadata) -> None:
    """The server waits for rows and hears of no cancellation: only the connection's end ends it."""
    metadata.sql("create table t (a int)")
    mistaken = SqlStatement("copy t from stdin", ("select",))

    async def run() -> None:
        connection = await metadata.connect()
        limits = AdministrationLimits(statement_seconds=0.2)
        workspace = Workspace(connection, metadata.service._world, SchemaOptions(), limits)
        script = Script(mistaken.text, (mistaken,))
        await run_limited(workspace, script, run_together(connection, script.statements))

    with pytest.raises(EngineError, match="HASURA_GRAPHQL_RUN_SQL_TIMEOUT") as caught:
        metadata.run(run())
    assert caught.value.code == "timeout"


@pytest.mark.parametrize(
    "script",
    [
        "select pg_sleep(600)",
        "create table u (a int); select pg_sleep(600)",
        # Each statement is short enough.
        ";".join(["select pg_sleep(0.2)"] * 3000),
    ],
)
def test_sql_that_takes_too_long_is_ended(limited: Callable[..., Metadata], script: str) -> None:
    metadata = limited(statement_seconds=0.5)

    refusal = metadata.sql_refusal(script)

    assert refusal["code"] == "timeout"
    assert "0.5 seconds (HASURA_GRAPHQL_RUN_SQL_TIMEOUT)" in str(refusal["error"])
    assert metadata.sql("select to_regclass('u') is null as none")["result"][1] == ["t"]


def test_sql_that_waits_for_a_lock_too_long_is_ended(limited: Callable[..., Metadata]) -> None:
    metadata = limited(lock_seconds=0.2)
    metadata.sql("create table t (a int)")

    async def run() -> None:
        async with connected(metadata) as connection, connection.transaction():
            await connection.execute("lock table t")
            call = {"type": "run_sql", "args": {"sql": "alter table t add column b int"}}
            await metadata.service.run(call, session=Session.admin(), path="/v2/query")

    with pytest.raises(EngineError, match=r"0\.2 seconds \(HASURA_GRAPHQL_RUN_SQL_LOCK_TIMEOUT\)"):
        metadata.run(run())


def test_metadata_that_is_locked_too_long_is_told(limited: Callable[..., Metadata]) -> None:
    metadata = limited(lock_seconds=0.2)
    metadata.sql("create table t (a int)")

    async def run() -> None:
        async with connected(metadata) as connection, connection.transaction():
            await connection.execute("select * from automio_engine.metadata_version for update")
            await metadata.service.run(
                {"type": "pg_track_table", "args": {"table": "t"}}, session=Session.admin(), path="/v1/metadata"
            )

    with pytest.raises(EngineError, match="metadata is being changed by another call"):
        metadata.run(run())


@pytest.mark.parametrize("statement", ["select pg_sleep(600)", "copy t from stdin"])
def test_a_cancelled_call_leaves_no_lock(metadata: Metadata, monkeypatch: pytest.MonkeyPatch, statement: str) -> None:
    """As when its client goes away; also from within a copy, which the server does not let be cancelled."""
    metadata.sql("create table t (a int)")
    monkeypatch.setattr(SqlStatement, "copies_through_client", property(lambda _: False))
    call = {"type": "run_sql", "args": {"sql": f"create table u (a int); {statement}"}}

    async def waits() -> bool:
        async with connected(metadata) as connection:
            return bool(
                await connection.fetchval(
                    "select exists (select from pg_stat_activity where datname = current_database()"
                    " and pid <> pg_backend_pid() and state = 'active' and strpos(query, $1) > 0)",
                    statement,
                )
            )

    async def run() -> None:
        task = asyncio.ensure_future(metadata.service.run(call, session=Session.admin(), path="/v2/query"))
        while not await waits():  # noqa: ASYNC110 - the database has no event for it
            await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    metadata.run(run())
    metadata.track("t")
    assert metadata.sql("select to_regclass('u') is null as none")["result"][1] == ["t"]


# --- outside of a transaction -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        "create index concurrently i on t (a)",
        "create unique index concurrently i on t (a); vacuum t; reindex table concurrently t",
        "vacuum (analyze) t",
        "alter system set work_mem = '4MB'; alter system reset work_mem",
        "create database other_one; drop database other_one",
        "create index concurrently i on t (a); drop index concurrently i; select 1 as a",
    ],
)
@pytest.mark.parametrize("options", [{}, UNCHECKED, {"cascade": False, "read_only": False}])
def test_statements_that_refuse_a_transaction_run(metadata: Metadata, script: str, options: dict[str, Any]) -> None:
    metadata.sql("create table t (a int)")

    for wrapped in (False, True):
        call = {"type": "run_sql", "args": {"sql": script, **options}}
        answer = metadata.post({"type": "bulk", "args": [call]} if wrapped else call, path="/v2/query")
        assert (answer[0] if wrapped else answer)["result_type"] == (
            "TuplesOk" if "select" in script else "CommandOk"
        )
        metadata.sql("drop index if exists i")


def test_a_value_of_an_enum_is_used_by_the_script_that_adds_it(metadata: Metadata) -> None:
    metadata.sql("create type mood as enum ('sad'); create table t (m mood)")
    script = "alter type mood add value 'happy'; insert into t values ('happy')"

    metadata.sql(script, **UNCHECKED)

    assert metadata.sql("select m from t")["result"] == [["m"], ["happy"]]


def test_a_procedure_may_commit(metadata: Metadata) -> None:
    metadata.sql(
        "create table t (a int); create procedure fill() language plpgsql as"
        " $$ begin insert into t values (1); commit; insert into t values (2); rollback; end $$"
    )

    metadata.sql("call fill()")

    assert metadata.sql("select a from t")["result"] == [["a"], ["1"]]


def test_one_by_one_means_that_what_was_done_stays(metadata: Metadata) -> None:
    script = "create table t (a int); create index concurrently on t (a); insert into t values ('x'); vacuum t"

    refusal = metadata.sql_refusal(script, **UNCHECKED)

    assert refusal["error"] == "query execution failed at statement 3; those before it have taken effect"
    assert metadata.sql("select count(*) from pg_index where indrelid = 't'::regclass")["result"][1] == ["1"]


@pytest.mark.parametrize("options", [{}, {"check_metadata_consistency": True}])
def test_what_changes_tables_is_not_run_one_by_one_unasked(metadata: Metadata, options: dict[str, Any]) -> None:
    refusal = metadata.sql_refusal("create table t (a int); create index concurrently i on t (a)", **options)

    assert (refusal["code"], refusal["path"]) == ("not-supported", "$.args.sql")
    assert str(refusal["error"]).startswith("`create index concurrently i on t` cannot run in the transaction")
    assert "check_metadata_consistency: false" in str(refusal["error"])
    assert metadata.sql("select to_regclass('t') is null as none")["result"][1] == ["t"]


def test_a_bulk_is_committed_up_to_what_refuses_a_transaction(metadata: Metadata) -> None:
    metadata.sql("create table t (a int)")
    calls = [
        {"type": "track_table", "args": "t"},
        {"type": "run_sql", "args": {"sql": "vacuum t"}},
        {"type": "run_sql", "args": {"sql": "alter table t rename to u"}},
    ]

    metadata.post({"type": "bulk", "args": calls}, path="/v1/query")

    assert [name.name for name in metadata.snapshot.tables] == ["u"]
    assert metadata.refusal("bulk_atomic", calls[1:2], path="/v2/query")["code"] == "not-supported"


def test_the_statements_of_a_bulk_are_all_or_nothing_otherwise(metadata: Metadata) -> None:
    metadata.sql("create table t (a int)")
    calls = [{"type": "run_sql", "args": {"sql": f"insert into t values ({value})"}} for value in ("1", "'x'")]

    metadata.refusal("bulk", calls, path="/v2/query")

    assert metadata.sql("select a from t")["result"] == [["a"]]


# --- transactions of the script's own -----------------------------------------------------------------------------


def test_a_frame_of_begin_and_commit_is_the_call_itself(metadata: Metadata) -> None:
    metadata.sql("create table t (a int)")
    metadata.track("t")

    metadata.sql("begin; alter table t rename to u; alter table u add column b int; commit;")
    metadata.sql_refusal("begin; alter table u rename to v; select * from nothing; commit")

    (table,) = metadata.snapshot.tables.values()
    assert (table.name.name, list(table.columns_by_name)) == ("u", ["a", "b"])


def test_a_commit_in_the_middle_does_not_leave_metadata_behind(metadata: Metadata) -> None:
    script = "create table t (a int); commit; create table u (a int)"

    assert metadata.sql_refusal(script)["code"] == "not-supported"
    metadata.sql(script, **UNCHECKED)

    assert metadata.sql("select to_regclass('t'), to_regclass('u')")["result"][1] == ["t", "u"]


def test_nothing_commits_its_way_out_of_read_only(metadata: Metadata) -> None:
    metadata.sql("create table t (a int)")

    assert metadata.sql_refusal("commit; insert into t values (1)", read_only=True)["code"] == "not-supported"


def test_a_transaction_is_not_left_open(metadata: Metadata) -> None:
    refusal = metadata.sql_refusal("begin; create table t (a int)", **UNCHECKED)

    assert "leaves a transaction open" in str(refusal["error"])
    assert metadata.sql("select to_regclass('t') is null as none")["result"][1] == ["t"]


def test_settings_of_a_script_end_with_it(metadata: Metadata) -> None:
    """As in every dump: `select pg_catalog.set_config('search_path', '', false)`."""
    metadata.sql("create table t (a int)")

    metadata.sql(
        "select pg_catalog.set_config('search_path', '', false); set lock_timeout = 1; create temp table x ()"
    )

    assert metadata.sql("select a from t")["result"] == [["a"]]
    assert metadata.sql("select to_regclass('x') is null as none")["result"][1] == ["t"]


def test_a_limit_that_the_script_sets_is_told_as_its_own(metadata: Metadata) -> None:
    with pytest.raises(EngineError) as caught:
        metadata.sql("set statement_timeout = '10ms'; select pg_sleep(60)")

    assert (caught.value.code, caught.value.message) == ("postgres-error", "query execution failed")
    assert "statement timeout" in str(caught.value.internal)


@pytest.mark.parametrize("options", [{}, UNCHECKED, {"read_only": True}])
def test_a_zero_byte_is_refused_before_it_is_sent(metadata: Metadata, options: dict[str, Any]) -> None:
    refusal = metadata.sql_refusal("select 1 \x00; select 2", **options)

    assert refusal == {
        "path": "$.args.sql",
        "error": "SQL cannot hold the character \\u0000",
        "code": "parse-failed",
    }
