"""The published clients, unmodified, against a running platform: one check per row of the contract's index (§5)."""

import pytest

ROWS = {
    1: "POST /api/apps/graphql/",
    2: "GET /api/apps/graphql/",
    3: "POST /api/apps/table-tags/{app_id}/{table_name}/add/",
    4: "GET /api/integrations/",
    5: "GET /api/integrations/{integration_id}/",
    6: "GET /api/integrations/{integration_id}/get_connections/",
    7: "GET /api/integrations/{integration_id}/table_connections/",
    8: "POST /api/integrations/{integration_id}/call/",
    9: "POST /api/integrations/{integration_id}/parallel_call/",
    10: "POST /api/integrations/{integration_id}/parallel_call_for_connection/",
    11: "POST /api/integrations/mailer/notify-me/",
    12: "GET /api/plugins/plugins/get_list/{namespace}/",
    13: "GET /api/plugins/plugin-interfaces/{namespace}/plugins/",
    14: "GET /api/actions/",
    15: "POST /api/actions/{id}/run/",
    16: "GET /api/actions/runs/{id}/status/",
    17: "GET /api/actions/run-code-stream/",
    18: "{cache}/get/{key}/, /set/, /delete/{key}/",
    19: "POST {cache}/set-progress/{task_id}/",
    20: "/api/apps/, /api/apps/{id}/",
    21: "new_table, edit_table, tables, user_tables, configuration",
    22: "DELETE delete-rows",
    23: "/api/apps/csv-imports/, /api/apps/csv-exports/",
    24: "POST /api/webhooks/{app_slug}/{webhook_slug}/",
}


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"row-{row:02}")
def test_a_published_client_is_served(row: int, report: dict[int, str | None]) -> None:
    assert report[row] is None, f"{ROWS[row]}\n{report[row]}"
