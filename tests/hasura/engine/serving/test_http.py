"""The HTTP face: authentication, batches, errors, REST endpoints, explain, limits."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from hasura.engine import metadata_service
from hasura.engine.execution.operations import parse_request
from hasura.engine.options import AdministrationLimits
from hasura.engine.plan import SqlStep
from hasura.engine.session import Session
from tests.connections import END_OTHER_CONNECTIONS
from tests.hasura.engine.serving.conftest import SECRET, Served
from tests.ports import free_port
from tests.waiting import wait_until

Serve = Callable[..., Served]


def test_without_the_secret_graphql_refuses_and_says_what_is_missing(serve: Serve) -> None:
    served = serve()
    for headers in ({}, {"X-Hasura-Admin-Secret": "wrong"}, {"X-Hasura-Admin-Secret": ""}):
        body = served.graphql("{ author { id } }", headers=headers)
        assert body["errors"][0]["extensions"]["code"] == "access-denied"
        assert "x-hasura-admin-secret" in body["errors"][0]["message"]
        answer = served.client.post(
            f"{served.url}/v1/metadata", json={"type": "export_metadata", "args": {}}, headers=headers
        )
        assert answer.status_code == 401


def test_session_headers_count_only_with_the_secret(serve: Serve) -> None:
    served = serve(unauthorized_role="anonymous")
    own = served.graphql(
        "{ article { id } }", headers=served.admin_headers(X_Hasura_Role="user", X_Hasura_User_Id="2")
    )
    assert own == {"data": {"article": [{"id": 3}]}}
    forged = served.graphql("{ article { id } }", headers={"X-Hasura-Role": "user", "X-Hasura-User-Id": "2"})
    assert forged == {"data": {"article": [{"id": 1}, {"id": 3}]}}  # anonymous: what is published


@pytest.mark.parametrize(
    ("sent", "name"), [("Zażółć 🦀".encode(), "Zażółć 🦀"), ("Zoë".encode("latin-1"), "Zoë"), (b"Cleo", "Cleo")]
)
def test_a_session_variable_has_the_letters_that_were_sent(serve: Serve, sent: bytes, name: str) -> None:
    served = serve()
    served.sql(f"insert into author values (3, '{name}') on conflict do nothing")
    permission = {"columns": ["name"], "filter": {"name": {"_eq": "X-Hasura-Name"}}}
    served.metadata(
        "pg_create_select_permission", source="default", table="author", role="named", permission=permission
    )
    headers: list[tuple[bytes, bytes]] = [
        (b"x-hasura-admin-secret", SECRET.encode()),
        (b"x-hasura-role", b"named"),
        (b"x-hasura-name", sent),
    ]
    answer = served.client.post("/v1/graphql", json={"query": "{ author { name } }"}, headers=headers)
    assert answer.json() == {"data": {"author": [{"name": name}]}}


def test_a_missing_session_variable_is_an_error_not_all_rows(serve: Serve) -> None:
    served = serve()
    body = served.graphql("{ article { id } }", headers=served.admin_headers(X_Hasura_Role="user"))
    assert "data" not in body
    assert body["errors"][0]["message"] == 'missing session variable: "x-hasura-user-id"'


def test_a_batch_is_answered_in_order_with_failures_in_place(serve: Serve) -> None:
    served = serve()
    requests = [
        {"query": "{ author { id } }"},
        {"query": "{ nothing }"},
        {"query": "{ author_by_pk(id: 2) { name } }"},
    ]
    answer = served.client.post("/v1/graphql", json=requests, headers=served.admin_headers())
    first, second, third = answer.json()
    assert len(first["data"]["author"]) == 2
    assert second["errors"][0]["extensions"]["code"] == "validation-failed"
    assert third == {"data": {"author_by_pk": {"name": "Bert"}}}


def test_a_byte_order_mark_before_a_body_is_passed_over(serve: Serve) -> None:
    served = serve()
    content = '\ufeff{"query": "{ __typename }"}'.encode()
    answer = served.client.post("/v1/graphql", content=content, headers=served.admin_headers())
    assert answer.json() == {"data": {"__typename": "query_root"}}


def test_a_body_that_is_no_request_is_refused_in_hasuras_shape(serve: Serve) -> None:
    served = serve()
    for content, code in ((b"{", "invalid-json"), (b"{}", "parse-failed"), (b'{"query": 1}', "parse-failed")):
        answer = served.client.post("/v1/graphql", content=content, headers=served.admin_headers())
        assert answer.status_code == 200
        assert answer.json()["errors"][0]["extensions"] == {"path": "$", "code": code}


def test_answers_follow_a_change_of_the_schema(serve: Serve) -> None:
    served = serve()
    query = "{ author(order_by: {id: asc}) { id name } }"
    assert served.graphql(query)["data"]["author"][0] == {"id": 1, "name": "Ada"}
    served.sql("alter table author alter column id type bigint; alter table author add column age integer default 7")
    served.metadata("reload_metadata")
    assert served.graphql(query)["data"]["author"][0] == {"id": 1, "name": "Ada"}
    assert served.graphql("{ author(limit: 1) { age } }") == {"data": {"author": [{"age": 7}]}}


def test_a_second_engine_sees_a_change(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    # With an hour between two looks of its own, it must have been told.
    monkeypatch.setattr(metadata_service, "_POLL_SECONDS", 3600.0)
    first, second = serve(), serve()
    first.sql("create table late (id integer primary key)")
    first.metadata("pg_track_table", source="default", table="late")
    wait_until(lambda: second.graphql("{ late { id } }") == {"data": {"late": []}})


def test_reads_survive_a_lost_connection_and_writes_report_it(serve: Serve) -> None:
    served = serve()
    served.graphql("{ author { id } }")
    # Again and again, so that a request also comes between a connection's last message and its end.
    for _ in range(30):
        served.sql(END_OTHER_CONNECTIONS)
        assert len(served.graphql("{ author { id } }")["data"]["author"]) == 2
    served.sql(END_OTHER_CONNECTIONS)
    answer = served.graphql('mutation { insert_author_one(object: {id: 9, name: "Z"}) { id } }')
    if "errors" in answer:
        assert "connection" in answer["errors"][0]["message"]
    rows = served.graphql("{ author_by_pk(id: 9) { id } }")["data"]["author_by_pk"]
    assert (rows is not None) == ("data" in answer)


def test_more_values_than_a_statement_takes_are_refused_with_the_way_out(serve: Serve) -> None:
    served = serve()
    query = (
        "query ($w: author_bool_exp, $v: author_bool_exp) { a: author(where: $w) { id } b: author(where: $v) { id } }"
    )

    def any_of(count: int) -> dict[str, Any]:
        return {"_or": [{"id": {"_eq": number}} for number in range(count)]}

    refused = served.graphql(query, variables={"w": any_of(32_768), "v": {}})
    assert refused["errors"][0]["extensions"]["code"] == "validation-failed"
    assert "at most 32767; name many values in one list (_in)" in refused["errors"][0]["message"]
    many = served.graphql(query, variables={"w": any_of(5), "v": {"id": {"_in": list(range(40_000))}}})
    assert [len(many["data"][alias]) for alias in ("a", "b")] == [2, 2]


def test_a_client_that_leaves_ends_its_sql(serve: Serve) -> None:
    served = serve()
    served.sql(
        "create function slow(author) returns text language sql stable as $$ select pg_sleep(600)::text || $1.name $$"
    )
    served.metadata(
        "pg_add_computed_field",
        source="default",
        table="author",
        name="slow",
        definition={"function": {"schema": "public", "name": "slow"}},
    )
    try:
        served.client.post(
            f"{served.url}/v1/graphql",
            json={"query": "{ author { slow } }"},
            headers=served.admin_headers(),
            timeout=httpx.Timeout(30, read=1.0),
        )
        raise AssertionError("it should have taken longer")
    except httpx.ReadTimeout:
        pass
    # Of this database alone: other tests run on the same server at the same time.
    running = (
        "select count(*) > 0 from pg_stat_activity where datname = current_database() and state = 'active'"
        " and query like '%\"slow\"%' and pid <> pg_backend_pid()"
    )

    async def has_ended() -> bool:
        return not await served.fetch_value(running)

    wait_until(has_ended)


def test_a_client_that_leaves_ends_its_run_sql_and_frees_metadata(serve: Serve) -> None:
    served = serve(administration=AdministrationLimits(statement_seconds=None, lock_seconds=None))
    script = "alter table author add column more text; select pg_sleep(600)"
    with pytest.raises(httpx.ReadTimeout):
        served.client.post(
            "/v2/query",
            json={"type": "run_sql", "args": {"sql": script}},
            headers=served.admin_headers(),
            timeout=httpx.Timeout(30, read=1.0),
        )

    # It would wait for the lock on metadata, and for the one on the table.
    served.metadata("pg_set_table_customization", table="author", configuration={"custom_name": "writer"})
    assert served.graphql("{ writer { id } }")["data"]["writer"]
    assert "more" not in str(served.graphql('{ __type(name: "writer") { fields { name } } }'))


def _make_endpoint(served: Served) -> None:
    query = (
        "query ($id: Int!, $title: String) { article(where: {id: {_gte: $id}, title: {_eq: $title}}) { id title } }"
    )
    served.metadata(
        "create_query_collection", name="saved", definition={"queries": [{"name": "find", "query": query}]}
    )
    served.metadata(
        "create_rest_endpoint",
        name="find",
        url="articles/:id",
        methods=["GET", "POST"],
        definition={"query": {"collection_name": "saved", "query_name": "find"}},
    )


def test_a_rest_endpoint_takes_variables_from_path_query_and_body(serve: Serve) -> None:
    served = serve()
    _make_endpoint(served)
    headers = served.admin_headers()
    found = served.client.get("/api/rest/articles/2?title=Three", headers=headers)
    assert found.json() == {"article": [{"id": 3, "title": "Three"}]}
    posted = served.client.post("/api/rest/articles/1", json={"title": "Two"}, headers=headers)
    assert posted.json() == {"article": [{"id": 2, "title": "Two"}]}
    assert served.client.put("/api/rest/articles/1", headers=headers).status_code == 405
    assert served.client.get("/api/rest/nothing", headers=headers).status_code == 404
    assert served.client.get("/api/rest/articles/x", headers=headers).status_code == 400
    assert served.client.get("/api/rest/articles/1").status_code == 401


def test_explain_shows_sql_and_plan_to_admin_only(serve: Serve) -> None:
    served = serve()
    payload = {
        "query": {"query": "{ article { id } }"},
        "user": {"x-hasura-role": "user", "x-hasura-user-id": "1"},
    }
    url = f"{served.url}/v1/graphql/explain"
    (field,) = served.client.post(url, json=payload, headers=served.admin_headers()).json()
    assert field["field"] == "article"
    assert "author_id" in field["sql"]
    assert any("Scan" in line for line in field["plan"])
    refused = served.client.post(url, json=payload, headers=served.admin_headers(X_Hasura_Role="user"))
    assert refused.json()["code"] == "access-denied"


def test_the_allow_list_lets_only_saved_operations_through(serve: Serve) -> None:
    served = serve(enable_allowlist=True)
    served.metadata(
        "create_query_collection",
        name="allowed",
        definition={"queries": [{"name": "titles", "query": "query titles { article { title } }"}]},
    )
    served.metadata("add_collection_to_allowlist", collection="allowed")
    user = served.admin_headers(X_Hasura_Role="user", X_Hasura_User_Id="2")
    assert served.graphql("query titles { article { title __typename } }", headers=user)["data"]
    refused = served.graphql("{ article { id } }", headers=user)
    assert refused["errors"][0]["message"] == "query is not allowed"
    assert served.graphql("{ article { id } }")["data"]


def test_limits_of_depth_nodes_and_rate_hold_for_roles_not_for_admin(serve: Serve) -> None:
    served = serve()
    limits = {
        "depth_limit": {"global": 2},
        "node_limit": {"global": 50, "per_role": {"user": 3}},
        "rate_limit": {"global": {"max_reqs_per_min": 3, "unique_params": None}},
    }
    served.metadata("set_api_limits", disabled=False, **limits)
    user = served.admin_headers(X_Hasura_Role="user", X_Hasura_User_Id="2")
    deep = (
        "{ a: article { id } ...f } fragment f on query_root { article { ...g } } fragment g on article { id title }"
    )
    assert "node limit" in served.graphql(deep, headers=user)["errors"][0]["message"]
    assert served.graphql("{ article { id } }", headers=user)["data"]
    served.graphql("{ article { id } }", headers=user)
    limited = served.graphql("{ article { id } }", headers=user)
    assert limited["errors"][0]["extensions"]["code"] == "rate-limit-exceeded"
    assert served.graphql("{ author { articles { id title rating } } }")["data"]


def test_the_limit_of_batches_holds_for_roles_not_for_admin(serve: Serve) -> None:
    served = serve()
    served.metadata("set_api_limits", disabled=False, batch_limit={"global": 2, "per_role": {"anonymous": 5}})

    def sizes(**headers: str) -> list[str | list[Any]]:
        batches = [[{"query": "{ article { id } }"}] * size for size in (2, 3)]
        chosen = served.admin_headers(**headers)
        return [served.client.post("/v1/graphql", json=batch, headers=chosen).json() for batch in batches]

    allowed, refused = sizes(X_Hasura_Role="user", X_Hasura_User_Id="2")
    assert len(allowed) == 2
    assert refused["errors"][0]["message"] == "batch exceeds the limit: it has 3 operations, the limit is 2"  # type: ignore[call-overload, index]
    for headers in ({}, {"X_Hasura_Role": "anonymous"}):
        assert [len(answer) for answer in sizes(**headers)] == [2, 3]


def test_while_limits_or_introspection_cannot_be_read_only_admin_is_served(serve: Serve) -> None:
    served = serve()
    user = served.admin_headers(X_Hasura_Role="user", X_Hasura_User_Id="2")
    query, schema = "{ article { id } }", "{ __schema { queryType { name } } }"
    served.metadata("set_api_limits", disabled=False, depth_limit={"global": 3})
    served.metadata("set_graphql_schema_introspection_options", disabled_for_roles=["other"])
    # Prepared and remembered before the damage is done.
    assert served.graphql(query, headers=user)["data"] and served.graphql(schema, headers=user)["data"]

    def damage(section: str, definition: str) -> None:
        served.sql(f"update automio_engine.metadata_object set definition = '{definition}' where name = '{section}'")
        served.metadata("reload_metadata")

    damage("graphql_schema_introspection", "5")
    assert "__schema" in served.graphql(schema, headers=user)["errors"][0]["message"]
    assert served.graphql(query, headers=user)["data"] and served.graphql(schema)["data"]
    damage("api_limits", '{"depth_limit": {"global": "three"}}')
    for document in (query, "{ author { id } }"):
        refused = served.graphql(document, headers=user)["errors"][0]
        assert refused["extensions"]["code"] == "unexpected"
        assert refused["message"].startswith("api_limits in metadata (depth_limit) cannot be read")
        assert served.graphql(document)["data"]

    served.metadata("set_api_limits", disabled=False, depth_limit={"global": 3})
    served.metadata("set_graphql_schema_introspection_options", disabled_for_roles=[])
    assert served.graphql(query, headers=user)["data"] and served.graphql(schema, headers=user)["data"]


def test_cross_origin_requests_are_answered_for_allowed_origins_only(serve: Serve) -> None:
    served = serve(cors_domain="https://*.example.com")
    headers = {"Origin": "https://app.example.com", "Access-Control-Request-Headers": "x-hasura-role"}
    preflight = served.client.options("/v1/graphql", headers=headers)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "https://app.example.com"
    assert "x-hasura-role" in preflight.headers["access-control-allow-headers"]
    stranger = served.client.options("/v1/graphql", headers={**headers, "Origin": "https://evil.test"})
    assert "access-control-allow-origin" not in stranger.headers


def test_health_and_version(serve: Serve) -> None:
    served = serve()
    assert served.client.get("/healthz").text == "OK"
    assert served.client.get("/v1/version").json()["version"].startswith("v2.")
    served.sql("drop table article cascade")
    served.metadata("reload_metadata")
    assert served.client.get("/healthz").text == "WARN: inconsistent objects in schema"


def test_the_secret_appears_in_no_answer(serve: Serve) -> None:
    served = serve()
    for path in ("/v1/graphql", "/v1/metadata", "/v2/query"):
        answer = served.client.post(
            f"{served.url}{path}", json={"type": "export_metadata", "args": {}}, headers=served.admin_headers()
        )
        assert SECRET not in answer.text


def test_a_query_of_several_fields_is_answered_in_order_by_one_statement(serve: Serve) -> None:
    served = serve()
    query = """query ($id: Int!, $again: Int!) {
      first: author_by_pk(id: $id) { name }
      __typename
      none: author_by_pk(id: 99) { name }
      article_aggregate(where: {author_id: {_eq: $id}}) { aggregate { count } }
      again: author_by_pk(id: $again) { name articles(order_by: {id: asc}) { id } }
    }"""
    variables = {"id": 1, "again": 2}
    answer = served.graphql(query, variables=variables)
    assert list(answer["data"].items()) == [
        ("first", {"name": "Ada"}),
        ("__typename", "query_root"),
        ("none", None),
        ("article_aggregate", {"aggregate": {"count": 2}}),
        ("again", {"name": "Bert", "articles": [{"id": 3}]}),
    ]
    request = parse_request({"query": query, "variables": variables})
    plan, _ = served.engine.operations.plan(served.engine.schema_cache, request, Session.admin())
    assert plan.together is not None
    assert sum(isinstance(step, SqlStep) for step in plan.steps) == 4


def test_fields_beyond_what_one_statement_should_hold_are_answered_too(serve: Serve) -> None:
    served = serve()
    fields = " ".join(f"a{number}: author_by_pk(id: {number % 3}) {{ id }}" for number in range(60))
    data = served.graphql(f"{{ {fields} }}")["data"]
    assert [value and value["id"] for value in data.values()] == [number % 3 or None for number in range(60)]


def test_an_error_in_one_of_several_fields_fails_the_request(serve: Serve) -> None:
    served = serve()
    query = "query ($n: Int) { author { id } article(limit: $n) { id } }"
    error = served.graphql(query, variables={"n": -1})["errors"][0]
    assert error["extensions"]["code"] in ("validation-failed", "parse-failed", "data-exception")
    assert len(served.graphql(query, variables={"n": 1})["data"]["article"]) == 1


def test_an_engine_without_its_database_is_not_healthy(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    served = serve()
    assert served.client.get("/healthz").status_code == 200
    monkeypatch.setattr(served.engine.pool, "_url", f"postgresql://u:secret@127.0.0.1:{free_port()}/x")
    answer = served.client.get("/healthz")
    assert (answer.status_code, answer.text) == (500, "ERROR: the database cannot be reached")


def test_the_command_says_which_database_it_cannot_reach_and_ends() -> None:
    port = free_port()
    url = f"postgresql://u:secret@127.0.0.1:{port}/x"
    command = [sys.executable, "-m", "automio.cli", "engine", "--database-url", url, "--admin-secret", "x" * 20]
    done = subprocess.run([*command, "--port", str(free_port())], capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    assert done.stderr.count(f"the database at 127.0.0.1:{port} cannot be used: connection refused") == 1
    assert "Traceback" not in done.stderr and "secret" not in done.stderr
