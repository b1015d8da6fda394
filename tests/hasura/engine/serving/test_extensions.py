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
    assert found('sender: {_similar: "ADA%"}') == [1]
    assert found('sender: {_nsimilar: "ADA%"}') == [2]
    assert found('receiver: {_eq: "BEN@example.org"}') == [1]
    assert found('folder: {_descendant: "in"}') == found('folder: {_matches: "*.work"}') == [1]
    assert found('folder: {_matches_any: ["*.work", "out"]}') == [1, 2]
    for role, value in [("one", "ADA@example.org"), ("some", "{ADA@example.org}")]:
        headers = served.admin_headers(X_Hasura_Role=role, X_Hasura_Sender=value)
        assert served.graphql("{ mail { id } }", headers=headers) == {"data": {"mail": [{"id": 1}]}}


_RELATED = """
create schema elsewhere;
create extension citext schema {schema};
create table mailbox (id integer primary key, address {schema}.citext unique, alias {schema}.citext);
create table letter (id integer primary key, sender {schema}.citext, receiver text);
insert into mailbox values (1, 'Ada@example.org', null), (2, 'Ben@example.org', 'B@example.org');
insert into letter values
  (1, 'ADA@example.org', 'Ben@example.org'), (2, 'ada@example.org', 'ADA@example.org'), (3, null, null);
"""


@pytest.mark.parametrize("schema", ["public", "elsewhere"])
def test_rows_are_related_by_the_operators_of_the_extension(serve: Callable[..., Served], schema: str) -> None:
    served = serve()
    served.sql(_RELATED.format(schema=schema))
    for table in ("mailbox", "letter"):
        served.metadata("pg_track_table", source="default", table=table)

    def relate(kind: str, table: str, name: str, remote: str, **mapping: str) -> None:
        using = {"manual_configuration": {"remote_table": remote, "column_mapping": mapping}}
        served.metadata(f"pg_create_{kind}_relationship", source="default", table=table, name=name, using=using)

    relate("object", "letter", "from", "mailbox", sender="address")
    # Where the types differ PostgreSQL compares both as text.
    relate("object", "letter", "to", "mailbox", receiver="address")
    relate("array", "mailbox", "sent", "letter", address="sender")
    served.metadata(
        "pg_create_select_permission",
        source="default",
        table="mailbox",
        role="other",
        permission={"columns": ["id"], "filter": {"alias": {"_ne": "X-Hasura-Alias"}}},
    )

    letters = "{ letter(order_by: {id: asc}) { from { id } to { id } } }"
    mailboxes = (
        "{ mailbox(order_by: {id: asc}) { sent(order_by: {id: asc}) { id } sent_aggregate { aggregate { count } } } }"
    )
    asked = "{ mailbox(where: {sent: {id: {_eq: 1}}}) { id } letter(where: {from: {id: {_eq: 1}}}) { id } }"
    ada, ben = {"id": 1}, {"id": 2}

    assert served.graphql(letters)["data"]["letter"] == [
        {"from": ada, "to": ben},
        {"from": ada, "to": None},
        {"from": None, "to": None},
    ]
    assert served.graphql(mailboxes)["data"]["mailbox"] == [
        {"sent": [{"id": 1}, {"id": 2}], "sent_aggregate": {"aggregate": {"count": 2}}},
        {"sent": [], "sent_aggregate": {"aggregate": {"count": 0}}},
    ]
    assert served.graphql(asked)["data"] == {"mailbox": [ada], "letter": [{"id": 1}, {"id": 2}]}
    for alias, rows in [("b@EXAMPLE.org", [ada]), ("a@example.org", [ada, ben])]:
        headers = served.admin_headers(X_Hasura_Role="other", X_Hasura_Alias=alias)
        answer = served.graphql("{ mailbox(order_by: {id: asc}) { id } }", headers=headers)
        assert answer["data"]["mailbox"] == rows
