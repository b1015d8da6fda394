"""REST endpoints that could only answer with an error are told when consistency is asked for."""

from typing import Any

import pytest

from tests.hasura.engine.metadata.conftest import Metadata

FITTING = "query ($id: Int!) { author(where: {id: {_eq: $id}}) { ...f articles { title __typename } } }"
FRAGMENT = " fragment f on author { id ... on author { name } }"


def endpoint(query: str) -> dict[str, Any]:
    """Parts of a metadata document with one endpoint for the query."""
    collection = {"name": "saved", "definition": {"queries": [{"name": "q", "query": query}]}}
    definition = {"query": {"collection_name": "saved", "query_name": "q"}}
    rest = {"name": "e", "url": "e", "methods": ["GET"], "definition": definition}
    return {"query_collections": [collection], "rest_endpoints": [rest]}


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("{ nobody { id } }", "field 'nobody' not found in type: 'query_root'"),
        ("{ author { id age } }", "field 'age' not found in type: 'author'"),
        (
            "query ($id: Int!) { author_by_pk(id: $id) { articles { text } } }",
            "field 'text' not found in type: 'article'",
        ),
        ("{ author { ...f } } fragment f on author { ... { age } }", "field 'age' not found in type: 'author'"),
        ("{ author(filter: {}) { id } }", "'author' has no argument named 'filter'"),
        ("{ author { ...g } }", 'reference to undefined fragment "g"'),
        ("mutation { insert_nobody { affected_rows } }", "field 'insert_nobody' not found in type: 'mutation_root'"),
    ],
)
def test_an_endpoint_that_could_only_fail_is_told(metadata: Metadata, query: str, problem: str) -> None:
    metadata.authors()
    whole = {**metadata.call("export_metadata"), **endpoint(query)}
    assert metadata.refusal("replace_metadata", {"metadata": whole})["code"] == "unexpected"

    replaced = metadata.call("replace_metadata", {"metadata": whole, "allow_inconsistent_metadata": True}, version=2)

    for answer in (replaced, metadata.call("get_inconsistent_metadata"), metadata.call("reload_metadata")):
        (told,) = answer["inconsistent_objects"]
        assert (told["type"], told["name"]) == ("rest_endpoint", "rest_endpoint e")
        assert told["reason"] == f"Inconsistent object: in endpoint e: {problem}"
    metadata.call("drop_inconsistent_metadata")
    assert metadata.call("get_inconsistent_metadata")["is_consistent"] is True


def test_an_endpoint_that_fits_is_told_only_while_its_table_is_gone(metadata: Metadata) -> None:
    metadata.authors()
    whole = {**metadata.call("export_metadata"), **endpoint(FITTING + FRAGMENT)}
    assert metadata.call("replace_metadata", {"metadata": whole}, version=2)["is_consistent"] is True

    metadata.call("pg_untrack_table", {"table": "article", "cascade": True})
    (told,) = metadata.call("get_inconsistent_metadata")["inconsistent_objects"]
    assert "field 'articles' not found in type: 'author'" in told["reason"]

    metadata.call("replace_metadata", {"metadata": whole})
    assert metadata.call("get_inconsistent_metadata")["is_consistent"] is True
