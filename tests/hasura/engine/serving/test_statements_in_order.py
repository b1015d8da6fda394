"""Updates of one `_many`, and root fields of one document, change and answer what they do one after the other."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hasura.engine.errors import EngineError
from hasura.engine.session import Session
from tests.hasura.engine.serving.conftest import Served
from tests.lengths import at_length
from tests.waiting import AMPLE_SECONDS

# What tells one statement for many rows from one for each: triggers that look at the table, unique values that move
# from row to row, references within the table.
_DDL = """
create table staff (
  id integer primary key, n integer check (n < 50), slot integer unique, boss integer references staff,
  note text not null default '', seen bigint, is_open boolean not null default true);
create table history (step bigint generated always as identity, id integer, total bigint, statements bigint);
create function look() returns trigger language plpgsql as $$
  begin
    new.seen := (select sum(n) from staff);
    if new.note = 'fail' then raise exception 'no such note' using errcode = '22023'; end if;
    return new;
  end $$;
create function record() returns trigger language plpgsql as $$
  begin
    insert into history (id, total, statements)
    select new.id, (select sum(n) from staff), (select count(*) from history);
    return null;
  end $$;
create function record_statement() returns trigger language plpgsql as $$
  begin
    insert into history (total, statements) select -1, count(*) from history;
    return null;
  end $$;
create trigger look before update on staff for each row execute function look();
create trigger record after update on staff for each row execute function record();
create trigger record_statement after update on staff execute function record_statement();
"""
_RESET = """
truncate staff, history restart identity;
insert into staff (id, n, slot, boss) select i, i, i, nullif(i / 2, 0) from generate_series(1, 6) as i;
"""
_OPEN = {"is_open": {"_eq": True}, "_or": [{"boss_row": {"n": {"_lt": 30}}}, {"boss": {"_is_null": True}}]}
_RESPONSES = [
    "{ affected_rows }",
    "{ affected_rows returning { id n slot boss note seen } }",
    "{ returning { id boss_row { n seen reports(order_by: {id: asc}) { id n } } } }",
]


@pytest.fixture
def staff(serve: Callable[..., Served]) -> Served:
    served = serve()
    served.sql(_DDL)
    served.metadata("pg_track_table", source="default", table="staff")

    def track(kind: str, **args: Any) -> None:
        served.metadata(kind, source="default", table="staff", **args)

    track("pg_create_object_relationship", name="boss_row", using={"foreign_key_constraint_on": "boss"})
    track(
        "pg_create_array_relationship",
        name="reports",
        using={"foreign_key_constraint_on": {"table": "staff", "column": "boss"}},
    )
    track("pg_create_select_permission", role="user", permission={"columns": "*", "filter": _OPEN})
    track(
        "pg_create_update_permission",
        role="user",
        permission={"columns": "*", "filter": _OPEN, "check": {"_not": {"boss_row": {"n": {"_gt": 20}}}}},
    )
    track(
        "pg_create_insert_permission",
        role="user",
        permission={"columns": "*", "check": {"_not": {"boss_row": {"n": {"_gt": 20}}}}},
    )
    return served


_ids = st.integers(1, 7)
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "slot": st.integers(1, 9),
    "boss": st.one_of(st.none(), _ids),
    "note": st.sampled_from(["", "a", "a", "b", "b", "fail"]),
    "is_open": st.booleans(),
}
_wheres: list[st.SearchStrategy[dict[str, Any]]] = [
    st.builds(lambda key: {"id": {"_eq": key}}, _ids),
    st.builds(lambda slot: {"slot": {"_eq": slot}}, st.integers(1, 9)),
    st.builds(lambda n: {"n": {"_gte": n}}, st.integers(0, 40)),
    st.builds(lambda n: {"boss_row": {"n": {"_lte": n}}}, st.integers(0, 40)),
    st.just({}),
]


@st.composite
def _updates(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Runs of updates of one shape, which go to the database together."""
    updates: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(0, 3))):
        where = draw(st.sampled_from(_wheres))
        keys = draw(st.sets(st.sampled_from(list(_VALUES))))
        operators = draw(st.sampled_from(["_set", "_inc", "both"]))
        for _ in range(draw(st.integers(1, 5))):
            update: dict[str, Any] = {"where": draw(where)}
            if operators != "_inc":
                update["_set"] = {key: draw(_VALUES[key]) for key in sorted(keys)}
            if operators != "_set":
                update["_inc"] = {"n": draw(st.integers(-2, 15))}
            updates.append(update)
    return updates


class _Database:
    """The table's rows, from the same beginning each time."""

    def __init__(self, served: Served, role: str) -> None:
        self._engine = served.engine
        self._session = Session(role, {"x-hasura-role": role}, is_admin=role == "admin")
        self._url = served.database_url

    async def together(self, payload: dict[str, Any]) -> object:
        """The answer to one request, and the rows after it."""
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute(_RESET)
            answer = json.loads(await self._engine.run_operation(payload, self._session))
            if "errors" in answer:
                (error,) = answer["errors"]
                told: object = (error["extensions"]["code"], error["message"], error["extensions"]["path"])
            else:
                told = list(answer["data"].values())
            return told, await _rows(connection)
        finally:
            await connection.close()

    async def one_by_one(self, payloads: list[dict[str, Any]]) -> object:
        """The answers to requests of one transaction, and the rows after it."""
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute(_RESET)
            told: object
            try:
                async with connection.transaction():
                    answers = [
                        json.loads(await self._engine.execute_within(payload, self._session, connection))
                        for payload in payloads
                    ]
                told = [answer["data"]["field"] for answer in answers]
            except EngineError as exc:
                told = (exc.code, exc.message, exc.path)
            return told, await _rows(connection)
        finally:
            await connection.close()


async def _rows(connection: "asyncpg.Connection[Any]") -> list[str]:
    query = "select s::text from staff s union all select h::text from history h order by 1"
    return [row[0] for row in await connection.fetch(query)]


def _single(update: dict[str, Any], response: str) -> dict[str, Any]:
    return {
        "query": "mutation ($where: staff_bool_exp!, $set: staff_set_input, $inc: staff_inc_input) {"
        f" field: update_staff(where: $where, _set: $set, _inc: $inc) {response} }}",
        "variables": {"where": update["where"], "set": update.get("_set"), "inc": update.get("_inc")},
    }


def _many(updates: list[dict[str, Any]], response: str) -> dict[str, Any]:
    query = f"mutation ($updates: [staff_updates!]!) {{ update_staff_many(updates: $updates) {response} }}"
    return {"query": query, "variables": {"updates": updates}}


def _several(updates: list[dict[str, Any]], response: str) -> dict[str, Any]:
    """The updates as root fields of one document."""
    declared, fields, variables = "", "", dict[str, Any]()
    for number, update in enumerate(updates):
        declared += f" $w{number}: staff_bool_exp!, $s{number}: staff_set_input, $i{number}: staff_inc_input"
        fields += f" f{number}: update_staff(where: $w{number}, _set: $s{number}, _inc: $i{number}) {response}"
        variables |= {
            f"w{number}": update["where"],
            f"s{number}": update.get("_set"),
            f"i{number}": update.get("_inc"),
        }
    return {"query": f"mutation ({declared}) {{ {fields} }}", "variables": variables}


def _on(served: Served, work: Any) -> Any:
    return asyncio.run_coroutine_threadsafe(work, served.loop).result(AMPLE_SECONDS)


@settings(max_examples=at_length(20, full=120), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(updates=_updates(), response=st.sampled_from(_RESPONSES), role=st.sampled_from(["admin", "user"]))
def test_updates_together_do_what_they_do_one_by_one(
    staff: Served, updates: list[dict[str, Any]], response: str, role: str
) -> None:
    database = _Database(staff, role)

    expected = _on(staff, database.one_by_one([_single(update, response) for update in updates]))
    told, rows = _on(staff, database.together(_many(updates, response)))

    assert (told if isinstance(told, tuple) else told[0], rows) == expected
    if updates:
        assert _on(staff, database.together(_several(updates, response))) == expected


@pytest.fixture
def asked(staff: Served) -> Iterator[Callable[[dict[str, Any]], tuple[Any, list[str]]]]:
    """Runs a request on a connection that notes each thing that is asked of the database."""
    staff.sql(_RESET)

    async def ask(payload: dict[str, Any]) -> tuple[Any, list[str]]:
        connection = await asyncpg.connect(staff.database_url)
        try:
            async with connection.transaction():
                queries: list[str] = []
                with connection.query_logger(lambda record: queries.append(record.query)):
                    body = await staff.engine.execute_within(payload, Session.admin(), connection)
                statements = [query for query in queries if "SAVEPOINT" not in query]
                return json.loads(body)["data"], statements
        finally:
            await connection.close()

    yield lambda payload: _on(staff, ask(payload))


def test_updates_of_one_shape_are_one_round_trip(asked: Callable[[dict[str, Any]], tuple[Any, list[str]]]) -> None:
    updates = [{"where": {"id": {"_eq": 1 + number % 6}}, "_inc": {"n": number % 2}} for number in range(100)]

    data, queries = asked(_many(updates, "{ affected_rows }"))

    assert data == {"update_staff_many": [{"affected_rows": 1}] * 100}
    assert len(queries) == 1


def test_root_fields_of_one_shape_are_one_round_trip(
    asked: Callable[[dict[str, Any]], tuple[Any, list[str]]],
) -> None:
    updates = [{"where": {"id": {"_eq": 1 + number % 6}}, "_set": {"note": str(number)}} for number in range(50)]

    data, queries = asked(_several(updates, "{ returning { note } }"))

    assert data == {f"f{number}": {"returning": [{"note": str(number)}]} for number in range(50)}
    assert len(queries) == 1


def test_a_round_trip_is_limited_in_size(asked: Callable[[dict[str, Any]], tuple[Any, list[str]]]) -> None:
    updates = [{"where": {"id": {"_eq": 1}}, "_set": {"note": "ż" * 5000}} for _ in range(40)]

    data, queries = asked(_many(updates, "{ affected_rows }"))

    assert len(data["update_staff_many"]) == 40
    assert 3 <= len(queries) <= 10


def test_updates_that_wait_can_be_cancelled(staff: Served) -> None:
    """More than the sockets between would hold, behind a row that somebody else has locked."""
    staff.sql(_RESET)
    updates = [{"where": {"id": {"_eq": 1}}, "_set": {"note": "x" * 50_000}} for _ in range(400)]

    async def cancel() -> None:
        locker = await asyncpg.connect(staff.database_url)
        try:
            async with locker.transaction():
                await locker.execute("update staff set n = 1 where id = 1")
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(1):
                        await staff.engine.run_operation(_many(updates, "{ affected_rows }"), Session.admin())
        finally:
            await locker.close()

    _on(staff, cancel())
    assert staff.graphql("mutation { update_staff(where: {id: {_eq: 1}}, _set: {n: 2}) { affected_rows } }")["data"]
