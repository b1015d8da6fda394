"""Measures GraphQL on app tables through `automio up` (tokens, tenancy, engine), as shares of the floor's rate.

`python -m benchmarks.platform`. The floor runs hand-written statements on the same tables in the same PostgreSQL.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.comparison import Contender, Effort, Load, compare, free_port, post, serving
from platform_api.supervisor.testing import Installation

_ORDERS = {
    "name": "orders",
    "columns": [{"name": "number", "type": "text", "required": True}, {"name": "total", "type": "numeric"}],
    "unique": [{"columns": ["number"]}],
}
_LINES = {
    "name": "lines",
    "columns": [
        {"name": "product", "type": "text"},
        {"name": "quantity", "type": "integer"},
        {"name": "order_id", "type": "reference"},
    ],
    "foreign_keys": [{"column": "order_id", "table": "orders", "references": "id"}],
}
_COUNT = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    options = parser.parse_args()
    effort = Effort(options.connections, options.rounds, options.seconds)
    with (
        tempfile.TemporaryDirectory(prefix="amb-") as directory,
        Installation(Path(directory) / "data", arguments=["--no-runner"]) as installation,
    ):
        _measure(installation, Path(directory), effort)


def _measure(installation: Installation, directory: Path, effort: Effort) -> None:
    with installation.client() as client:
        app = client.post("/api/apps/", json={"name": "Bench", "slug": "bench"}).raise_for_status().json()["id"]
        for table in (_ORDERS, _LINES):
            client.post(f"/api/apps/{app}/new_table/", json=table).raise_for_status()
        token = client.post("/api/tokens/", json={"app": app, "scopes": ["data"]}).raise_for_status().json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{installation.url}/v1/graphql"
    orders = f"app_{app}_orders"
    ids = _fill(url, headers, orders)
    by_key = f"query ($id: uuid!) {{ {orders}_by_pk(id: $id) {{ id number total }} }}"
    listed = f"{{ {orders}(limit: 100, order_by: {{number: asc}}) {{ number total lines {{ product quantity }} }} }}"
    upsert = (
        f"mutation ($rows: [{orders}_insert_input!]!) {{ insert_{orders}(objects: $rows, on_conflict: {{"
        f"constraint: uq_app_{app}_orders_number_org, update_columns: [total]}}) {{ affected_rows }} }}"
    )
    organization = installation.admin["organization_id"]
    cases = [
        {
            "query": by_key,
            "sql": f"select row_to_json(r) from (select id, number, total from public.{orders}"
            f" where id = $1::text::uuid and organization_id = {organization}) r",
        },
        {
            "query": listed,
            "sql": f"""select coalesce(json_agg(row_to_json(r)), '[]') from (
                 select o.number, o.total, coalesce(l.rows, '[]') as lines
                 from (select id, number, total from public.{orders} where organization_id = {organization}
                       order by number limit 100) o
                 left join lateral (select json_agg(row_to_json(k)) as rows from (
                   select product, quantity from public.app_{app}_lines where order_id = o.id
                     and organization_id = {organization}) k) l on true
                 order by o.number) r""",
        },
        {
            "query": upsert,
            "sql": f"""with made as (
                 insert into public.{orders} (organization_id, number, total)
                 select {organization}, number, total
                 from json_to_recordset($1::json) as x(number text, total numeric)
                 on conflict (organization_id, number) do update set total = excluded.total returning 1)
               select json_build_object('affected_rows', count(*)) from made""",
            "json_argument": "rows",
        },
    ]
    file = directory / "cases.json"
    file.write_text(json.dumps(cases))
    port = free_port()
    floor = Contender("floor", f"http://127.0.0.1:{port}/")
    platform = Contender("automio up", url, headers)
    loads = [
        Load("by key", [_body(by_key, {"id": order_id}) for order_id in ids[:500]], 0.5),
        Load("100 rows with a relationship", [_body(listed, {})], 0.5),
        Load("upsert of 100", [_body(upsert, {"rows": _rows(100 * number)}) for number in range(300)], 0.5),
    ]
    with serving(["-m", "benchmarks.floor", _database_url(installation), str(port), str(file)], floor.url):
        compare(floor, [platform], loads, effort)


def _rows(first: int) -> list[dict[str, Any]]:
    return [{"number": f"U{n:05}", "total": n} for n in range(first, first + 100)]


def _fill(url: str, headers: dict[str, str], orders: str) -> list[str]:
    """Inserts a thousand orders of three lines each through GraphQL; returns the ids of the orders."""
    objects = [
        {"number": f"N{n:05}", "total": n, "lines": {"data": [{"product": f"P{k}", "quantity": k} for k in range(3)]}}
        for n in range(_COUNT)
    ]
    query = (
        f"mutation ($rows: [{orders}_insert_input!]!) {{ insert_{orders}(objects: $rows) {{ returning {{ id }} }} }}"
    )
    answer = post(url, {"query": query, "variables": {"rows": objects}}, headers)
    if "errors" in answer:
        raise RuntimeError(str(answer["errors"]))
    return [row["id"] for row in answer["data"][f"insert_{orders}"]["returning"]]


def _database_url(installation: Installation) -> str:
    """Returns the URL of the embedded PostgreSQL for its superuser."""
    root = installation.data_dir / "postgres"
    password = quote((root / "superuser-password").read_text().strip(), safe="")
    return f"postgresql://postgres:{password}@/automio?host={(root / 'socket').resolve()}"


def _body(query: str, variables: dict[str, Any]) -> bytes:
    return json.dumps({"query": query, "variables": variables}).encode()


if __name__ == "__main__":
    main()
