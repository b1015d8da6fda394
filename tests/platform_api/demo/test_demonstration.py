"""What the demonstration decides and shows, without starting one (tests/integration does)."""

import ast
from importlib.resources import files
from io import StringIO

from rich.console import Console

from platform_api.demo.demonstration import choose_port
from platform_api.demo.run import show_result, show_where_to_look
from platform_api.demo.sample_app import TABLES, SampleApp
from platform_api.supervisor.listener import listen, reachable_address

SCRIPT = files("platform_api.demo") / "app_source" / "import_orders.py"

RESULT = {
    "upserted": {"orders": 200, "order_lines": 600, "billing_entries": 2000},
    "seconds": 2.0,
    "rows": {"orders": 201, "order_lines": 600, "billing_entries": 2000},
    "billing": {"refund": {"entries": 468, "value": "9494.02"}, "delivery": {"entries": 0, "value": None}},
}


def test_the_usual_port_is_taken_unless_somebody_has_it() -> None:
    with listen("127.0.0.1", 0) as listening:
        port = reachable_address(listening)[1]
        assert choose_port("127.0.0.1", default=port) == 0
    assert choose_port("127.0.0.1", default=port) == port


def test_the_result_is_shown_as_tables_with_the_rate() -> None:
    console = Console(record=True, width=100, file=StringIO())
    show_result(console, RESULT)
    shown = console.export_text()
    assert "│ orders          │      200 │   201 │" in shown
    assert "9,494.02" in shown
    assert "2,800 rows upserted in 2.0 s: 1,400 rows/s" in shown


def test_the_addresses_to_look_at_are_whole_lines() -> None:
    console = Console(record=True, width=40, file=StringIO())
    show_where_to_look(console, url="http://127.0.0.1:8080", data_dir="data", app=SampleApp(app_id=3, action_id=5))
    assert "http://127.0.0.1:8080/api/apps/3/v1/graphql" in console.export_text()


def test_the_script_is_a_client_script_and_writes_the_tables_columns() -> None:
    source = SCRIPT.read_text()
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(source))
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [])
    }
    assert imported <= {"automio", "collections", "typing"}
    for table in TABLES:
        assert [column["name"] for column in table["columns"] if f'"{column["name"]}"' not in source] == []
