"""Descriptions: metadata's own instead of generated ones, and none where metadata says so."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.hasura.engine.schema.conftest import Gallery


def _descriptions(gallery: Gallery) -> dict[str, Any]:
    body = gallery.run(
        """{ table: __type(name: "easel") { description fields { name description } }
             roots: __type(name: "query_root") { fields { name description } } }"""
    )
    columns = {field["name"]: field["description"] for field in body["data"]["table"]["fields"]}
    roots = {field["name"]: field["description"] for field in body["data"]["roots"]["fields"]}
    return {"table": body["data"]["table"]["description"], "column": columns["name"], "root": roots["easel"]}


@pytest.fixture
def easel(gallery: Gallery) -> Iterator[Gallery]:
    """A table without comments, tracked."""
    gallery.sql("create table easel (id integer primary key, name text)")
    gallery.call("pg_track_table", {"table": "easel"})
    yield gallery
    gallery.restore()
    gallery.sql("drop table easel")


@pytest.mark.parametrize(("comment", "expected"), [("", None), (None, None), ("What holds", "What holds")])
def test_a_comment_in_metadata_replaces_or_hides_the_generated_description(
    easel: Gallery, comment: str | None, expected: str | None
) -> None:
    configuration = {
        "comment": comment,
        "column_config": {"name": {"comment": comment}},
        "custom_root_fields": {"select": {"name": "easel", "comment": comment}},
    }
    customization = {"table": "easel", "configuration": configuration}

    easel.call("pg_set_table_customization", customization)
    generated = _descriptions(easel)
    easel.sql("comment on table easel is 'of the database'; comment on column easel.name is 'of the database'")
    databases = _descriptions(easel)
    easel.call("replace_metadata", easel.call("export_metadata", {}))

    expectation = {"table": expected, "column": expected, "root": expected}
    assert generated == databases == _descriptions(easel) == expectation


def test_without_a_comment_in_metadata_descriptions_are_the_databases_or_generated(easel: Gallery) -> None:
    generated = {"table": 'columns and relationships of "easel"', "column": None}
    root = {"root": 'fetch data from the table: "easel"'}
    assert _descriptions(easel) == {**generated, **root}

    easel.sql("comment on table easel is 'It holds'; comment on column easel.name is 'Its name'")
    assert _descriptions(easel) == {"table": "It holds", "column": "Its name", **root}
