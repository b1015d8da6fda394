"""`automio schema` prints the SDL that an app's endpoint introspects to."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from graphql import build_schema, introspection_from_schema, print_schema

from automio.cli import main
from tests.automio.loopback import Loopback, Seen

SDL = "type query_root {\n  app_3_orders(limit: Int): [app_3_orders!]!\n}\n\ntype app_3_orders {\n  id: ID!\n}"


@pytest.fixture
def endpoint(server: Loopback, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Loopback:
    schema = build_schema("schema { query: query_root }\n" + SDL)

    def answer(request: Seen) -> object:
        assert request.headers["authorization"].endswith("amt_x")
        assert "IntrospectionQuery" in request.json["query"]
        return {"data": introspection_from_schema(schema)}

    server.on("POST /api/apps/3/v1/graphql", answer)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("API_BASE_URL", server.url)
    monkeypatch.setenv("APP_TOKEN", "amt_x")
    monkeypatch.setenv("APP_ID", "3")
    return server


def test_the_schema_is_printed(endpoint: Loopback) -> None:
    done = CliRunner().invoke(main, ["schema"])
    assert done.exit_code == 0, done.output
    assert "app_3_orders(limit: Int): [app_3_orders!]!" in done.output
    assert print_schema(build_schema(done.output)).strip() == done.output.strip()


def test_the_schema_is_written_to_a_file(endpoint: Loopback, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["schema", "--app", "3", "--output", str(tmp_path / "schema.graphql")])
    assert done.exit_code == 0, done.output
    assert done.output == ""
    assert "type app_3_orders" in (tmp_path / "schema.graphql").read_text()


def test_missing_settings_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("API_BASE_URL", "APP_TOKEN", "APP_ID"):
        monkeypatch.delenv(name, raising=False)
    done = CliRunner().invoke(main, ["schema"])
    assert done.exit_code == 1
    assert "API_BASE_URL" in done.output
