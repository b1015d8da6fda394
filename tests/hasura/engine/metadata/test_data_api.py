"""The old data API: same rows and same permissions as GraphQL."""

from typing import Any

import pytest

from hasura.engine.errors import EngineError
from hasura.engine.session import Session
from tests.hasura.engine.metadata.conftest import Metadata

ANN = Session("user", {"x-hasura-role": "user", "x-hasura-user-id": "1"})


@pytest.fixture
def shop(metadata: Metadata) -> Metadata:
    """Authors and articles; a `user` sees and writes what is their own."""
    metadata.authors()
    own = {"author_id": {"_eq": "X-Hasura-User-Id"}}
    metadata.permit("author", "user", columns=["id", "name"], filter={"id": {"_eq": "X-Hasura-User-Id"}})
    metadata.permit("article", "user", columns=["id", "title", "author_id"], filter={})
    metadata.permit("article", "user", operation="insert", check=own, columns=["title", "author_id"])
    metadata.permit("article", "user", operation="update", filter=own, columns=["title"], check=None)
    metadata.permit("article", "user", operation="delete", filter=own)
    return metadata


def run(metadata: Metadata, kind: str, args: dict[str, Any], session: Session | None = None) -> Any:
    return metadata.post({"type": kind, "args": args}, path="/v1/query", session=session)


def refusal(metadata: Metadata, kind: str, args: dict[str, Any], session: Session | None = None) -> EngineError:
    with pytest.raises(EngineError) as caught:
        run(metadata, kind, args, session)
    return caught.value


def test_rows_with_related_rows_are_selected(shop: Metadata) -> None:
    rows = run(
        shop,
        "select",
        {
            "table": "author",
            "columns": ["name", {"name": "articles", "columns": ["title"], "order_by": "-id", "limit": 1}],
            "where": {"id": {"$gte": 1}},
            "order_by": {"column": "name", "type": "desc"},
        },
    )

    assert rows == [
        {"name": "Bob", "articles": [{"title": "Two"}]},
        {"name": "Ann", "articles": [{"title": "Three"}]},
    ]


def test_a_role_reads_its_own_rows_columns_and_relations(shop: Metadata) -> None:
    rows = run(shop, "select", {"table": "author", "columns": "*"}, ANN)
    assert rows == [{"id": 1, "name": "Ann"}]

    articles = run(
        shop, "select", {"table": "article", "columns": ["id", {"name": "author", "columns": ["name"]}]}, ANN
    )
    assert articles[1] == {"id": 2, "author": None}
    assert refusal(shop, "select", {"table": "author", "columns": ["email"]}, ANN).code == "permission-denied"


def test_conditions_do_not_look_at_what_a_role_may_not_read(shop: Metadata) -> None:
    hidden = {"author": {"name": {"_eq": "Bob"}}}

    assert run(shop, "count", {"table": "article", "where": hidden}) == {"count": 1}
    assert run(shop, "count", {"table": "article", "where": hidden}, ANN) == {"count": 0}
    exists = {"_exists": {"_table": "author", "_where": {"name": "Bob"}}}
    assert run(shop, "count", {"table": "article", "where": exists}, ANN) == {"count": 0}
    error = refusal(shop, "count", {"table": "author", "where": {"email": {"_is_null": True}}}, ANN)
    assert error.code == "permission-denied"
    error = refusal(shop, "select", {"table": "author", "columns": ["id"], "order_by": "email"}, ANN)
    assert error.code == "permission-denied"


def test_a_role_writes_what_its_permissions_allow(shop: Metadata) -> None:
    mine, foreign = {"title": "New", "author_id": 1}, {"title": "New", "author_id": 2}

    answer = run(shop, "insert", {"table": "article", "objects": [mine], "returning": ["title"]}, ANN)
    assert answer == {"affected_rows": 1, "returning": [{"title": "New"}]}
    error = refusal(shop, "insert", {"table": "article", "objects": [foreign]}, ANN)
    assert (error.code, error.path) == ("permission-error", "$.args")
    assert refusal(shop, "insert", {"table": "article", "objects": [{**mine, "id": 9}]}, ANN).path == "$.args.objects"

    everything: dict[str, Any] = {}
    update = {"table": "article", "where": everything, "$set": {"title": "Mine"}}
    assert run(shop, "update", update, ANN) == {"affected_rows": 3}
    assert refusal(shop, "update", {**update, "$set": {"author_id": 2}}, ANN).code == "permission-denied"
    assert run(shop, "delete", {"table": "article", "where": everything}, ANN) == {"affected_rows": 3}
    assert run(shop, "count", {"table": "article"}) == {"count": 1}


def test_a_role_without_permission_does_nothing(shop: Metadata) -> None:
    nobody = Session("nobody", {"x-hasura-role": "nobody"})

    for kind, args in (
        ("select", {"columns": ["id"]}),
        ("count", {}),
        ("insert", {"objects": [{"title": "x"}]}),
        ("update", {"where": {}, "$set": {"title": "x"}}),
        ("delete", {"where": {}}),
    ):
        assert refusal(shop, kind, {"table": "article", **args}, nobody).code == "permission-denied"


def test_conflicting_rows_are_ignored_or_updated(shop: Metadata) -> None:
    objects = [{"id": 1, "name": "Anna"}]

    ignored = {"table": "author", "objects": objects, "on_conflict": {"action": "ignore", "constraint_on": ["id"]}}
    assert run(shop, "insert", ignored) == {"affected_rows": 0}
    updated = {**ignored, "on_conflict": {"action": "update", "constraint": "author_pkey"}, "returning": ["name"]}
    assert run(shop, "insert", updated)["returning"] == [{"name": "Anna"}]


def test_numbers_are_increased_multiplied_and_set_back(metadata: Metadata) -> None:
    metadata.sql(
        "create table n (id int primary key, a int default 7, b int, c int); insert into n values (1, 1, 2, 3)"
    )
    metadata.track("n")

    update = {
        "table": "n",
        "where": {"id": 1},
        "$default": ["a"],
        "$inc": {"b": 5},
        "$mul": {"c": 3},
        "returning": "*",
    }

    assert run(metadata, "update", update)["returning"] == [{"id": 1, "a": 7, "b": 7, "c": 9}]


def test_a_bulk_sees_what_it_has_done(metadata: Metadata) -> None:
    answers = metadata.post(
        {
            "type": "bulk",
            "args": [
                {"type": "run_sql", "args": {"sql": "create table t (id int)"}},
                {"type": "track_table", "args": "t"},
                {"type": "insert", "args": {"table": "t", "objects": [{"id": 1}, {"id": 2}]}},
                {"type": "count", "args": {"table": "t"}},
            ],
        },
        path="/v1/query",
    )

    assert answers[2:] == [{"affected_rows": 2}, {"count": 2}]
