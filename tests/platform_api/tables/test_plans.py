"""Plans of changes: they are what is executed, and what they say of rows is what PostgreSQL says."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import event, text

from platform_api.accounts.models import Role, Scope
from platform_api.tables.plans import checks
from platform_api.tables.plans.service import MAX_PLANS
from tests.platform_api.conftest import Caller, Platform
from tests.platform_api.graphql.serving import serve_app

pytestmark = pytest.mark.anyio

ITEMS = {
    "name": "items",
    "columns": [
        {"name": "code", "type": "text"},
        {"name": "qty", "type": "integer"},
        {"name": "price", "type": "numeric"},
        {"name": "state", "type": "choice", "choices": ["new", "paid", "sent"]},
        {"name": "data", "type": "json"},
        {"name": "day", "type": "date"},
        {"name": "ratio", "type": "float"},
        {"name": "big", "type": "bigint"},
        {"name": "done", "type": "boolean"},
    ],
    "indexes": [{"columns": ["code", "day"]}],
}


class Shop:
    """An app with a table `items`, and how its builder changes it."""

    def __init__(self, platform: Platform, caller: Caller, app: int) -> None:
        self.platform, self.caller, self.app = platform, caller, app

    @property
    def table(self) -> str:
        return f"app_{self.app}_items"

    async def plan(self, table: str = "items", /, **change: Any) -> httpx.Response:
        async with self.platform.client(self.caller) as client:
            return await client.post(f"/api/apps/{self.app}/table/{table}/plan/", json=change)

    async def apply(self, table: str = "items", /, **change: Any) -> httpx.Response:
        async with self.platform.client(self.caller) as client:
            return await client.put(f"/api/apps/{self.app}/table/{table}/configuration/", json=change)

    async def read(self, table: str = "items") -> dict[str, Any]:
        async with self.platform.client(self.caller) as client:
            answer = await client.get(f"/api/apps/{self.app}/table/{table}/")
        read: dict[str, Any] = answer.json()
        return read

    async def insert(self, *rows: dict[str, str | None], organization: int | None = None) -> None:
        """Inserts rows of values as PostgreSQL reads them."""
        connection = await self.platform.database.connect()
        try:
            for row in rows:
                names = "".join(f', "{name}"' for name in row)
                values = ", ".join(
                    "null" if value is None else "'" + value.replace("'", "''") + "'" for value in row.values()
                )
                await connection.execute(
                    f"insert into public.{self.table} (organization_id{names})"  # a test's own values
                    f" values ({organization or self.caller.organization_id}, {values})"
                )
        finally:
            await connection.close()


async def open_shop(platform: Platform, *rows: dict[str, str | None]) -> Shop:
    caller = await platform.create_caller()
    app = await platform.create_app(caller)
    shop = Shop(platform, caller, app.id)
    async with platform.client(caller) as client:
        assert (await client.post(f"/api/apps/{app.id}/new_table/", json=ITEMS)).status_code == 200
    await shop.insert(*rows)
    return shop


@contextmanager
def executed(platform: Platform) -> Iterator[list[str]]:
    """Records the DDL that the platform sends to PostgreSQL."""
    statements: list[str] = []
    words = ("ALTER", "CREATE", "DROP", "COMMENT")

    def record(_: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.strip().startswith(words):
            statements.append(statement.strip())

    engine = platform.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", record)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", record)


async def test_a_plan_says_what_is_executed_and_whom_it_keeps_waiting(shared_platform: Platform) -> None:
    shop = await open_shop(shared_platform, {"code": "a"}, {"code": "b"})
    answer = await shop.plan(
        columns=[{"name": "weight", "type": "numeric", "description": "in kg"}, {"name": "qty", "type": "bigint"}],
        indexes=[{"columns": ["weight"]}],
    )
    assert answer.status_code == 200, answer.text
    plan = answer.json()
    assert (plan["rows"], plan["is_estimate"], plan["rewrites"], plan["lock"]) == (2, False, True, "ACCESS EXCLUSIVE")
    said = {item["sql"].split(" ON ")[0][:60]: (item["lock"], item["work"]) for item in plan["statements"]}
    table = f"public.{shop.table}"
    assert said[f'ALTER TABLE {table} ADD COLUMN "weight" NUMERIC'[:60]] == ("ACCESS EXCLUSIVE", "brief")
    assert any(item["sql"].startswith("COMMENT ON") and "in kg" in item["sql"] for item in plan["statements"])
    assert any(item["work"] == "rewrite" and "TYPE BIGINT" in item["sql"] for item in plan["statements"])
    assert any(item["lock"] == "SHARE" and item["work"] == "scan" for item in plan["statements"])
    assert (await shop.read())["revision"] == plan["revision"], "nothing was changed"


async def test_a_plan_of_a_new_table_is_what_creates_it(shared_platform: Platform) -> None:
    shop = await open_shop(shared_platform)
    lines = {
        "name": "lines",
        "columns": [{"name": "item_id", "type": "reference"}, {"name": "n", "type": "integer", "required": True}],
        "foreign_keys": [{"column": "item_id", "table": "items"}],
    }
    async with shared_platform.client(shop.caller) as client:
        plan = (await client.post(f"/api/apps/{shop.app}/new_table/plan/", json=lines)).json()
        with executed(shared_platform) as statements:
            assert (await client.post(f"/api/apps/{shop.app}/new_table/", json=lines)).status_code == 200
    assert [item["sql"] for item in plan["statements"]] == statements
    assert {item["lock"] for item in plan["statements"]} == {"none", "SHARE ROW EXCLUSIVE"}
    assert plan["revision"] is None


async def test_rows_that_would_fail_are_counted_and_shown(shared_platform: Platform) -> None:
    shop = await open_shop(
        shared_platform,
        {"code": "A1", "qty": "1"},
        {"code": "A1", "qty": None},
        {"code": "12", "qty": "3000"},
        {"code": None, "state": "sent"},
    )
    plan = (
        await shop.plan(
            columns=[
                {"name": "code", "type": "integer"},
                {"name": "qty", "type": "integer", "required": True},
                {"name": "state", "type": "choice", "choices": ["new", "paid"]},
                {"name": "more", "type": "text", "required": True},
            ],
        )
    ).json()
    said = {(check["kind"], *check["columns"]): check for check in plan["checks"]}
    assert {key: (check["state"], check["count"]) for key, check in said.items()} == {
        ("type", "code"): ("fails", 2),
        ("required", "qty"): ("fails", 2),
        ("required", "more"): ("fails", 4),
        ("choice", "state"): ("fails", 1),
    }
    assert [example["value"] for example in said["type", "code"]["examples"]] == ["A1", "A1"]
    assert said["choice", "state"]["message"] == "1 row has a value in state that is none of the choices"
    unique = (await shop.plan(unique=[{"columns": ["code"]}])).json()["checks"]
    assert [(check["kind"], check["state"], check["count"]) for check in unique] == [("unique", "fails", 2)]
    assert unique[0]["filter_column"] == "code"


async def test_rows_of_other_organizations_are_counted_and_never_shown(shared_platform: Platform) -> None:
    shop = await open_shop(shared_platform, {"code": "mine"})
    installer = await shared_platform.create_caller()
    await shop.insert({"code": "secret"}, {"code": "secret"}, organization=installer.organization_id)
    for change in (
        {"columns": [{"name": "code", "type": "date"}]},
        {"unique": [{"columns": ["code"]}]},
    ):
        answer = await shop.plan(**change)
        [check] = answer.json()["checks"]
        assert check["count"] >= 2
        assert "secret" not in answer.text


async def test_what_cannot_be_converted_at_all_is_said(shared_platform: Platform) -> None:
    shop = await open_shop(shared_platform)
    [check] = (await shop.plan(columns=[{"name": "done", "type": "date"}])).json()["checks"]
    assert (check["state"], check["message"]) == ("impossible", "PostgreSQL cannot convert between these types")


async def test_uses_of_what_goes_are_named(shared_platform: Platform) -> None:
    shop = await open_shop(shared_platform)
    async with shared_platform.client(shop.caller) as client:
        files = {"main.py": "codes = 1\nprint(row['code'])\n", "other.py": "encoded = 2\n"}
        saved = await client.post(f"/api/apps/{shop.app}/source/", json={"base_version": 0, "files": files})
        assert saved.status_code == 201, saved.text
    uses = (await shop.plan(drop_columns=["code"])).json()["uses"]
    assert uses == [
        _use("code", "index", "code, day"),
        _use("code", "source", "main.py", line=2),
    ]
    renamed = (await shop.plan(columns=[{"name": "sku", "type": "text", "renamed_from": "code"}])).json()
    assert renamed["uses"] == uses
    assert (await shop.plan(columns=[{"name": "qty", "type": "integer"}])).json()["uses"] == []


async def test_views_drafts_syncs_and_schedules_that_use_what_goes_are_named(shared_platform: Platform) -> None:
    shop = await open_shop(shared_platform)
    colleague = await shared_platform.create_colleague(shop.caller, Role.BUILDER)
    where = {"_and": [{"code": {"_eq": "A"}}]}
    async with shared_platform.client(shop.caller) as client, shared_platform.client(colleague) as other:
        views = f"/api/apps/{shop.app}/table/items/views/"
        mine = await client.post(views, json={"name": "By code", "content": {"where": where}})
        await client.post(views, json={"name": "Wide code", "content": {"columns": ["code"], "widths": {"code": 9}}})
        await other.post(views, json={"name": "Secret", "content": {"order": [{"code": "asc"}]}})
        draft = {"app": shop.app, "subject": "code/main.py", "base_revision": 0, "content": {"text": "row['code']"}}
        kept = await client.put("/api/drafts/", json=draft)
        await other.put("/api/drafts/", json=draft)
        made = {"name": "Sum up", "slug": "sum-up", "app": shop.app, "code": "def main(): ..."}
        action = await client.post("/api/actions/", json=made)
        assert action.status_code == 201, action.text
        due = {"name": "Nightly", "schedule": {"every_minutes": 240}, "input": {"by": ["code"]}}
        schedule = await client.post(f"/api/apps/{shop.app}/actions/sum-up/schedules/", json=due)
        assert schedule.status_code == 201, schedule.text
    uses = (await shop.plan(drop_columns=["code"])).json()["uses"]
    assert uses == [
        _use("code", "index", "code, day"),
        _use("code", "view", "By code", id=mine.json()["id"]),
        _use(None, "others_views", "1"),
        _use("code", "draft", "code/main.py", id=kept.json()["id"]),
        _use("code", "schedule", "Nightly", id=schedule.json()["id"], parent="sum-up"),
    ]
    assert (await shop.plan(drop_columns=["day"])).json()["uses"] == [_use("day", "index", "code, day")]


async def test_uses_of_a_table_are_listed_to_its_builders(shared_platform: Platform) -> None:
    shop = await open_shop(shared_platform)
    lines = {
        "name": "lines",
        "columns": [{"name": "item_id", "type": "reference"}],
        "foreign_keys": [{"column": "item_id", "table": "items"}],
    }
    async with shared_platform.client(shop.caller) as client:
        assert (await client.post(f"/api/apps/{shop.app}/new_table/", json=lines)).status_code == 200
        answer = await client.get(f"/api/apps/{shop.app}/table/items/uses/")
    assert answer.json() == {"uses": [_use(None, "reference", "lines.item_id")]}
    async with shared_platform.client(await shared_platform.create_caller()) as stranger:
        assert (await stranger.get(f"/api/apps/{shop.app}/table/items/uses/")).status_code == 404


def _use(column: str | None, kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"column": column, "kind": kind, "name": name, "line": None, "id": None, "parent": None, **more}


async def test_a_change_of_an_earlier_revision_is_refused_with_the_present_table(shared_platform: Platform) -> None:
    shop = await open_shop(shared_platform)
    revision = (await shop.read())["revision"]
    weight = {"columns": [{"name": "weight", "type": "numeric"}]}
    assert (await shop.apply(**weight, base_revision=revision)).status_code == 200
    for send in (shop.apply, shop.plan):
        stale = await send(columns=[{"name": "height", "type": "numeric"}], base_revision=revision)
        assert stale.status_code == 409
        body = stale.json()
        assert (body["code"], body["fields"][0]["path"]) == ("stale_version", "base_revision")
        assert "weight" in [column["name"] for column in body["table"]["columns"]]
        assert body["table"]["revision"] == body["revision"] != revision
    # Clients that know no revisions change the table as before.
    assert (await shop.apply(columns=[{"name": "height", "type": "numeric"}])).status_code == 200


async def test_a_plan_does_not_wait_for_rows_for_long(
    shared_platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "MAX_CHECK_SECONDS", 0.001)
    shop = await open_shop(shared_platform)
    async with shared_platform.database.transaction() as session:
        await session.execute(
            text(
                f"insert into public.{shop.table} (organization_id, code)"
                " select :o, n from generate_series(1, 20000) n"
            ),
            {"o": shop.caller.organization_id},
        )
    plan = (await shop.plan(unique=[{"columns": ["code", "qty"]}])).json()
    [check] = plan["checks"]
    assert (check["state"], check["message"]) == ("unchecked", "not checked in 0 s")
    assert plan["rows"] >= 10_000


async def test_plans_of_an_organization_are_few_at_a_time(shared_platform: Platform) -> None:
    shop = await open_shop(shared_platform)
    async with shared_platform.database.transaction() as session:
        for slot in range(MAX_PLANS):
            await session.execute(
                text("select pg_advisory_xact_lock(hashtext(:name), :o)"),
                {"name": f"automio.table_plan.{slot}", "o": shop.caller.organization_id},
            )
        refused = await shop.plan()
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert (await shop.plan()).status_code == 200


async def test_only_builders_of_the_owning_organization_plan(shared_platform: Platform) -> None:
    shop = await open_shop(shared_platform)
    stranger = await shared_platform.create_caller()
    member = await shared_platform.create_colleague(shop.caller, Role.MEMBER)
    reader = await shared_platform.create_colleague(shop.caller, Role.BUILDER, scopes=[Scope.DATA])
    for caller, status in ((stranger, 404), (member, 403), (reader, 403)):
        foreign = Shop(shared_platform, caller, shop.app)
        assert (await foreign.plan()).status_code == status


async def test_columns_have_a_place_a_description_and_a_format(shared_platform: Platform) -> None:
    shop = await open_shop(shared_platform)
    priced = {"name": "price", "type": "numeric", "position": 0, "description": "net", "format": {"decimals": 2}}
    table = (await shop.apply(columns=[priced])).json()
    column = next(column for column in table["columns"] if not column["is_system"])
    assert (column["name"], column["position"], column["description"]) == ("price", 0, "net")
    assert column["format"] == {"decimals": 2}
    # A client that knows none of these leaves them alone.
    table = (await shop.apply(columns=[{"name": "price", "type": "numeric", "required": False}])).json()
    assert table["columns"][5]["description"] == "net"
    async with shared_platform.client(shop.caller) as client:
        query = f'{{ __type(name: "{shop.table}") {{ fields {{ name description }} }} }}'
        answer = await client.post(f"/api/apps/{shop.app}/v1/graphql", json={"query": query})
    described = {field["name"]: field["description"] for field in answer.json()["data"]["__type"]["fields"]}
    assert described["price"] == "net"
    # Of another type, the format means nothing.
    table = (await shop.apply(columns=[{"name": "price", "type": "text"}])).json()
    assert table["columns"][5]["format"] is None
    wrong = await shop.apply(columns=[{"name": "qty", "type": "integer", "format": {"decimals": 2}}])
    assert wrong.status_code == 422
    assert wrong.json()["fields"][0]["path"] == "columns.0.format"


async def test_every_table_is_indexed_by_time(shared_platform: Platform) -> None:
    shop = await open_shop(shared_platform)
    assert (await shop.apply(name="goods")).status_code == 200
    async with shared_platform.database.transaction() as session:
        found = await session.scalars(
            text("select indexdef from pg_indexes where tablename = :t"), {"t": f"app_{shop.app}_goods"}
        )
        definitions = "\n".join(found)
    for columns in ("(organization_id, updated_at, id)", "(organization_id, created_at, id)"):
        assert columns in definitions
    assert f"app_{shop.app}_items" not in definitions


async def test_who_looks_at_tables_hears_of_changes(shared_platform: Platform) -> None:
    shop = await open_shop(shared_platform)
    async with (
        serve_app(shared_platform.app) as url,
        httpx.AsyncClient(base_url=url, headers=shop.caller.headers, timeout=240) as client,
        client.stream("GET", f"/api/apps/{shop.app}/tables/stream/") as stream,
    ):
        lines = stream.aiter_lines()

        async def revision() -> str:
            async with asyncio.timeout(240):
                async for line in lines:
                    if line.startswith("id:"):
                        return line
            raise AssertionError("the stream ended")

        first = await revision()
        assert (await shop.apply(columns=[{"name": "weight", "type": "numeric"}])).status_code == 200
        second = await revision()
        assert (await shop.apply(columns=[{"name": "weight", "type": "numeric", "position": 0}])).status_code == 200
        assert len({first, second, await revision()}) == 3


_TYPES = ["text", "integer", "bigint", "numeric", "float", "boolean", "date", "timestamptz", "uuid", "json"]
_VALUES: dict[str, list[str | None]] = {
    "code": [None, "A", "12", "1.5", "true", "2026-01-02", "99999999999", "{}", "", "x'y", "Infinity"],
    "qty": [None, "0", "1", "2147483647", "-5"],
    "price": [None, "0", "2147483647.5", "1e300", "NaN", "12.25", "-9223372036854775809"],
    "state": [None, "new", "paid", "sent"],
    "data": [None, "{}", "12", "1.5", "true", '"x"', "99999999999", "1e40"],
    "day": [None, "2026-01-02", "infinity", "5874897-01-01"],
    "ratio": [None, "0.5", "2147483647.4", "2147483647.5", "NaN", "Infinity", "1e300"],
    "big": [None, "9223372036854775807", "1", "3000000000"],
    "done": [None, "true", "false"],
}


def _change(rng: random.Random) -> dict[str, Any]:
    """An edit of one or two things, as a builder would make it, or somebody who tries everything."""
    columns: list[dict[str, Any]] = []
    change: dict[str, Any] = {"columns": columns}
    for name in rng.sample(list(_VALUES), rng.randint(0, 2)):
        kind = rng.choice(_TYPES)
        column: dict[str, Any] = {"name": name, "type": kind, "required": rng.random() < 0.3}
        if rng.random() < 0.3:
            column |= {"name": f"{name}_2", "renamed_from": name}
        if rng.random() < 0.3:
            column["description"] = rng.choice(["what's this", "100 % of\tit"])
        columns.append(column)
    if rng.random() < 0.5:
        columns.append(
            rng.choice(
                [
                    {"name": "extra", "type": "text", "required": True},
                    {"name": "extra", "type": "text", "default": "it's %s\t:x"},
                    {"name": "extra", "type": "uuid", "default": "gen_random_uuid()", "required": True},
                    {"name": "extra", "type": "date", "default": "now()"},
                    {"name": "extra", "type": "choice", "choices": ["a", "b"], "default": "a"},
                ]
            )
        )
    if rng.random() < 0.2 and not any(column["name"].startswith("state") for column in columns):
        columns.append({"name": "state", "type": "choice", "choices": ["new", "paid"]})
    names = [name for name in _VALUES if not any(column.get("renamed_from") == name for column in columns)]
    names += [column["name"] for column in columns]
    usable = [name for name in dict.fromkeys(names) if name not in ("data", "data_2")]
    usable = [name for name in usable if not any(c["name"] == name and c["type"] == "json" for c in columns)]
    if rng.random() < 0.5:
        change["unique"] = [{"columns": rng.sample(usable, rng.randint(1, 2))}]
    if rng.random() < 0.3:
        change["indexes"] = [{"columns": rng.sample(usable, 1)}]
    if rng.random() < 0.3:
        change["name"] = "goods"
    return change


@pytest.mark.parametrize("seed", range(4))
async def test_a_plan_is_what_happens(shared_platform: Platform, seed: int) -> None:
    """The statements of a plan are those of the change, and a change fails exactly when its plan says so."""
    rng = random.Random(seed)  # a test's
    shop = await open_shop(shared_platform)
    await shop.insert(*({name: rng.choice(values) for name, values in _VALUES.items()} for _ in range(6)))
    outcomes = set()
    for _ in range(25):
        change = _change(rng)
        plan = await shop.plan(**change)
        with executed(shared_platform) as statements:
            applied = await shop.apply(**change)
        if plan.status_code != 200:
            assert (plan.status_code, plan.json()["detail"]) == (applied.status_code, applied.json()["detail"])
            continue
        said = plan.json()
        states = {check["state"] for check in said["checks"]}
        assert "unchecked" not in states
        would_fail = bool(states & {"fails", "impossible"})
        assert would_fail == (applied.status_code != 200), (change, said["checks"], applied.text)
        planned = [item["sql"] for item in said["statements"]]
        assert statements == (planned[: len(statements)] if would_fail else planned)
        outcomes.add(would_fail)
        if not would_fail and said["statements"]:
            # The next change is of the same table again.
            async with shared_platform.client(shop.caller) as client:
                name = change.get("name", "items")
                assert (await client.delete(f"/api/apps/{shop.app}/table/{name}/")).status_code == 204
                assert (await client.post(f"/api/apps/{shop.app}/new_table/", json=ITEMS)).status_code == 200
            await shop.insert(*({name: rng.choice(values) for name, values in _VALUES.items()} for _ in range(6)))
    assert outcomes == {True, False}
