"""Fills an installation with what the benchmarks of the console look at."""

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import asyncpg

from platform_api.supervisor.testing import Installation

COLUMNS = 30

_RUNS = """
insert into platform.runs (
    task_id, number, organization_id, app_id, action_id, user_id, action_type, reaches_installs, entry, bundle, event,
    environment, limits, allows_retries, state, cause, begun_by, error, created_at, started_at, finished_at
)
select gen_random_uuid(), number + 10, $1, $2, $3, $4, 'user_action', false, 'main.py', '', '{}', '{}', '{}', false,
    case when number % 10 = 0 then 'failed' when number % 100000 = 1 then 'stopped' else 'completed' end,
    case when number % 10 = 0 then 'exception' when number % 100000 = 1 then 'cancelled' else 'returned' end,
    case when number % 50000 = 7 then 'webhook' when number % 3 = 0 then 'schedule' else 'api' end,
    case when number % 10 = 0 then 'KeyError: ' || number end,
    now() - ($5 - number) * interval '1 second', now() - ($5 - number) * interval '1 second', now()
from generate_series(1, $5::int) as number
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Says where the app is that the benchmarks look at, and how much there is."""

    organization: str
    organization_id: int
    app_id: int
    action_id: int
    rows: int
    runs: int


def prepare(installation: Installation, *, rows: int, runs: int) -> Place:
    """Creates an app with a wide table of `rows` rows, and an action with `runs` runs."""
    columns = [{"name": f"c{number:02}", "type": "text" if number % 2 else "integer"} for number in range(COLUMNS)]
    with installation.client() as client:
        app = client.post("/api/apps/", json={"name": "Bench", "slug": "bench"}).raise_for_status().json()
        table = {"name": "wide", "columns": columns}
        client.post(f"/api/apps/{app['id']}/new_table/", json=table).raise_for_status()
        small = {"name": "small", "columns": columns[:4]}
        client.post(f"/api/apps/{app['id']}/new_table/", json=small).raise_for_status()
        code = "import time\nfor number in range(10_000):\n    print('line', number)\n    time.sleep(0.001)\n"
        action = {"app": "bench", "name": "count", "slug": "count", "code": code, "action_type": "user_action"}
        made = client.post("/api/actions/", json=action).raise_for_status().json()
        me: dict[str, Any] = client.get("/api/me/").raise_for_status().json()
    organization = me["organization"]
    place = Place(organization["slug"], organization["id"], app["id"], made["id"], rows, runs)
    asyncio.run(_fill(database_url(installation), place, me["user"]["id"]))
    return place


def database_url(installation: Installation) -> str:
    """Returns the URL of the embedded PostgreSQL for its superuser."""
    root = installation.data_dir / "postgres"
    password = quote((root / "superuser-password").read_text().strip(), safe="")
    return f"postgresql://postgres:{password}@/automio?host={(root / 'socket').resolve()}"


async def _fill(url: str, place: Place, user_id: int) -> None:
    connection = await asyncpg.connect(url)
    try:
        names = ", ".join(f"c{number:02}" for number in range(COLUMNS))
        values = ", ".join(
            f"'text ' || n % {number + 7}" if number % 2 else f"n % {number + 1009}" for number in range(COLUMNS)
        )
        for table, count in (("wide", place.rows), ("small", 50)):
            chosen, written = (names, values) if table == "wide" else ("c00, c01", "n, 'text ' || n")
            await connection.execute(
                f"insert into public.app_{place.app_id}_{table} (organization_id, created_at, {chosen})"
                f" select $1, timestamptz '2026-01-01' + n * interval '1 second', {written}"
                " from generate_series(1, $2::int) n",
                place.organization_id,
                count,
            )
        # What the rows refer to is there: looking it up for each of a million takes longer than writing them.
        await connection.execute("set session_replication_role = replica")
        await connection.execute(_RUNS, place.organization_id, place.app_id, place.action_id, user_id, place.runs)
        await connection.execute("reset session_replication_role")
        await connection.execute("vacuum analyze")
    finally:
        await connection.close()
