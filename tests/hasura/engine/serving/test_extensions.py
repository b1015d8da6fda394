"""Types of extensions are compared by their own operators, wherever the extension was created."""

from collections.abc import Callable

import pytest

from tests.hasura.engine.serving.conftest import Served

_DDL = """
create schema elsewhere;
create extension citext schema {schema};
create extension ltree schema {schema};
create domain address as {schema}.citext;
create table mail (id integer primary key, sender {schema}.citext unique, receiver address, folder {schema}.ltree);
insert into mail values (1, 'Ada@example.org', 'Ben@example.org', 'in.work'), (2, 'Ben@example.org', null, 'out');
"""


@pytest.mark.parametrize("schema", ["public", "elsewhere"])
def test_operators_are_those_of_the_extension(serve: Callable[..., Served], schema: str) -> None:
    served = serve()
    served.sql(_DDL.format(schema=schema))
    served.metadata("pg_track_table", source="default", table="mail")
    for role, rows in [("one", {"_eq": "X-Hasura-Sender"}), ("some", {"_in": "X-Hasura-Sender"})]:
        served.metadata(
            "pg_create_select_permission",
            source="default",
            table="mail",
            role=role,
            permission={"columns": ["id"], "filter": {"sender": rows}},
        )

    def found(where: str) -> list[int]:
        answer = served.graphql(f"{{ mail(where: {{{where}}}, order_by: {{id: asc}}) {{ id }} }}")
        return [row["id"] for row in answer["data"]["mail"]]

    assert found('sender: {_eq: "ADA@example.org"}') == [1]
    assert found('sender: {_neq: "ADA@example.org"}') == [2]
    assert found('sender: {_in: ["ADA@example.org", "x"]}') == [1]
    assert found('sender: {_nin: ["ADA@example.org", "x"]}') == [2]
    assert found('sender: {_gt: "ADA@EXAMPLE.ORG"}') == [2]
    assert found('sender: {_like: "ADA%"}') == found('sender: {_regex: "^ADA"}') == [1]
    assert found('sender: {_nlike: "ADA%"}') == found('sender: {_nregex: "^ADA"}') == [2]
    assert found('receiver: {_eq: "BEN@example.org"}') == [1]
    assert found('folder: {_descendant: "in"}') == found('folder: {_matches: "*.work"}') == [1]
    assert found('folder: {_matches_any: ["*.work", "out"]}') == [1, 2]
    for role, value in [("one", "ADA@example.org"), ("some", "{ADA@example.org}")]:
        headers = served.admin_headers(X_Hasura_Role=role, X_Hasura_Sender=value)
        assert served.graphql("{ mail { id } }", headers=headers) == {"data": {"mail": [{"id": 1}]}}
