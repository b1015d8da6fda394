"""Imports a shop's orders and billing entries into the app's tables.

Rows are upserted by the shop's own ids, so running it again changes nothing that did not change in the shop. After
each page the position is kept in the cache: a run that was interrupted continues where it stopped.
"""

import os
import time
from collections.abc import Iterator
from typing import Any

from automio.wrapper import API

PER_PAGE = 100
CHECKPOINT = "import_orders/checkpoint"

api = API()
prefix = f"app_{os.environ['APP_ID']}"
shop = api.integrations.get_integration("sample_shop")
started = time.monotonic()
upserted = {"orders": 0, "order_lines": 0, "billing_entries": 0}
finished_pages: dict[str, int] = api.app_cache.get(CHECKPOINT) or {}


def pages(collection: str) -> Iterator[dict[str, Any]]:
    """Yields the pages of a collection that were not imported yet."""
    page = finished_pages.get(collection, 0) + 1
    while True:
        data, response = api.integrations.call(
            shop, method="GET", endpoint=f"/v1/{collection}", params={"page": page, "per_page": PER_PAGE}
        )
        if not response.ok:
            raise RuntimeError(f"the shop answered {response.status_code}: {response.text[:200]}")
        if page > data["pages"]:
            return
        yield data
        finished_pages[collection] = page
        api.app_cache.set(CHECKPOINT, finished_pages)
        print(f"{collection}: page {page} of {data['pages']}")
        page += 1


def upsert(table: str, key: str, rows: list[dict[str, Any]], *, returning: str = "id") -> list[dict[str, Any]]:
    """Inserts rows, or updates those whose `key` is there already."""
    columns = ", ".join(column for column in rows[0] if column != key)
    mutation = f"""
        mutation Upsert($rows: [{prefix}_{table}_insert_input!]!) {{
            insert_{prefix}_{table}(
                objects: $rows
                on_conflict: {{constraint: uq_{prefix}_{table}_{key}_org, update_columns: [{columns}]}}
            ) {{
                affected_rows
                returning {{ {returning} }}
            }}
        }}"""
    answer = api.tables.graphql(table, query=mutation, variables={"rows": rows})
    written = answer.data[f"insert_{prefix}_{table}"]
    upserted[table] += written["affected_rows"]
    returned: list[dict[str, Any]] = written["returning"]
    return returned


def import_orders() -> None:
    for page in pages("orders"):
        orders = [
            {
                "orderId": order["id"],
                "buyerLogin": order["buyer"],
                "status": order["status"],
                "delivered": order["status"] == "sent",
                "orderedAt": order["orderedAt"],
            }
            for order in page["items"]
        ]
        ids = {row["orderId"]: row["id"] for row in upsert("orders", "orderId", orders, returning="id orderId")}
        lines = [
            {
                "lineId": line["id"],
                "order_id": ids[order["id"]],
                "offer": line["offer"],
                "quantity": line["quantity"],
                "price": line["price"],
            }
            for order in page["items"]
            for line in order["lines"]
        ]
        upsert("order_lines", "lineId", lines)
        api.task.set_progress(10 * page["page"] / page["pages"], "orders", "running")


def import_billing_entries() -> None:
    for page in pages("billing-entries"):
        entries = [
            {
                "allegroId": entry["id"],
                "type": entry["type"],
                "value": entry["value"],
                "balance": entry["balance"],
                "occurredAt": entry["occurredAt"],
            }
            for entry in page["items"]
        ]
        upsert("billing_entries", "allegroId", entries)
        api.task.set_progress(10 + 85 * page["page"] / page["pages"], "billing entries", "running")


def summarize() -> dict[str, Any]:
    """Counts what is in the tables now."""
    kinds = ("commission", "delivery", "listing fee", "refund")
    of_kind = "\n".join(
        f"""{kind.replace(" ", "_")}: {prefix}_billing_entries_aggregate(where: {{type: {{_eq: "{kind}"}}}}) {{
            aggregate {{ count sum {{ value }} }}
        }}"""
        for kind in kinds
    )
    query = f"""query Summary {{
        orders: {prefix}_orders_aggregate {{ aggregate {{ count }} }}
        order_lines: {prefix}_order_lines_aggregate {{ aggregate {{ count }} }}
        billing_entries: {prefix}_billing_entries_aggregate {{ aggregate {{ count }} }}
        {of_kind}
    }}"""
    data = api.tables.graphql("billing_entries", query=query).data
    return {
        "rows": {table: data[table]["aggregate"]["count"] for table in upserted},
        "billing": {
            kind: {
                "entries": data[kind.replace(" ", "_")]["aggregate"]["count"],
                "value": data[kind.replace(" ", "_")]["aggregate"]["sum"]["value"],
            }
            for kind in kinds
        },
    }


api.task.set_progress(0, "orders", "running")
import_orders()
import_billing_entries()
seconds = time.monotonic() - started
# Everything is imported: the next run begins with the first page again.
api.app_cache.set(CHECKPOINT, {})
summary = summarize()
api.task.set_progress(100, "done", "completed")
result = {"upserted": upserted, "seconds": round(seconds, 2), **summary}
