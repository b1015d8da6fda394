"""What a type checker sees of the clients."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SCRIPT = """
from collections.abc import AsyncIterator, Iterator
from typing import Any, assert_type

import automio
from automio import ActionRunStatusResponse, ApiResponse, GraphQLResponse, Integration, Page, ParallelCallResponse
from automio import GraphQLRequest, StreamedAnswer
from automio.wrapper import API, AsyncAPI

api = API(app_id=1)
request = GraphQLRequest(query="{ a }", variables={"x": 1})
assert_type(api.tables.apps_graphql_query(app=1, table="orders", graph_ql_request=request), GraphQLResponse)
assert_type(api.actions.run_status("5"), ActionRunStatusResponse)
assert_type(api.actions.stream_logs("t"), Iterator[str])
assert_type(api.integrations.get_integration("shop"), Integration)
assert_type(api.integrations.get_integrations(page=1), Page[Integration])
assert_type(api.integrations.iterate_integrations(), Iterator[Integration])
assert_type(api.integrations.call("shop", method="GET", endpoint="/x", connection_id=5), tuple[Any, ApiResponse])
assert_type(api.integrations.parallel_call("shop", "GET", "/x", [{}], concurrency=2), list[ParallelCallResponse])
assert_type(api.integrations.parallel_call_stream("shop", "GET", "/x", [{}]), Iterator[StreamedAnswer])
assert_type(api.app_cache.set(key="k", value={"a": 1}, ttl=300), bool)
api.task.set_progress(50, "half", "in_progress")
assert_type(automio.NotEnoughCredits("x", status=402).status, int | None)


async def main() -> None:
    async with AsyncAPI() as client:
        assert_type(await client.actions.run_status(5), ActionRunStatusResponse)
        assert_type(client.actions.stream_logs("t"), AsyncIterator[str])
        assert_type(await client.integrations.parallel_call("shop", "GET", "/x", []), list[ParallelCallResponse])


api.actions.run_status()  # error: call-arg
api.task.set_progress("half", "half")  # error: arg-type
api.integrations.call("shop", methid="GET")  # error: call-arg
api.nothing  # error: attr-defined
"""


@pytest.mark.slow
def test_operations_are_typed_for_both_clients_and_mistakes_are_found(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    # A cache of its own: that of `make lint` holds for other flags.
    flags = ["--strict", "--no-error-summary", "--config-file=", "--cache-dir", ROOT / ".cache" / "mypy-types"]
    command = [sys.executable, "-m", "mypy", *flags, script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if ": error:" in line]
    found = {(int(line.split(":")[1]), line.rpartition("[")[2].rstrip("]")) for line in lines}
    expected = {
        (number, line.rpartition("# error: ")[2])
        for number, line in enumerate(SCRIPT.splitlines(), 1)
        if "# error: " in line
    }
    assert found == expected, done.stdout + done.stderr
