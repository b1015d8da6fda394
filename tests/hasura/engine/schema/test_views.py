"""Views among nested inserts."""

from typing import Any

from tests.hasura.engine.schema.conftest import Gallery


def _input(gallery: Gallery, name: str, role: str = "admin") -> Any:
    body = gallery.run(
        f'{{ __type(name: "{name}") {{ inputFields {{ name type {{ name }} }} }} }}',
        role=role,
    )
    found = body["data"]["__type"]
    return None if found is None else {item["name"]: item["type"]["name"] for item in found["inputFields"]}


def test_relationships_to_views_have_their_input_types(gallery: Gallery) -> None:
    fields = _input(gallery, "artist_insert_input")

    assert fields["sold_paintings"] == "sold_painting_arr_rel_insert_input"
    assert fields["total"] == "artist_total_obj_rel_insert_input"
    assert list(_input(gallery, "artist_total_obj_rel_insert_input")) == ["data"]
    assert list(_input(gallery, "artist_total_insert_input")) == ["artist_id", "total"]


def test_a_view_that_takes_no_rows_has_no_root_field_for_them(gallery: Gallery) -> None:
    body = gallery.run('{ __type(name: "mutation_root") { fields { name } } }')
    names = {item["name"] for item in body["data"]["__type"]["fields"]}

    assert "insert_sold_painting" in names and "insert_artist_total" not in names


def test_rows_go_through_a_view_that_takes_them(gallery: Gallery) -> None:
    body = gallery.run(
        """mutation { insert_artist_one(object: {name: "New", sold_paintings: {data: [
             {id: "00000000-0000-0000-0000-000000000009", title: "Sold"}]}}) { paintings { title } } }"""
    )

    assert body == {"data": {"insert_artist_one": {"paintings": [{"title": "Sold"}]}}}


def test_the_database_refuses_rows_for_a_view_that_does_not(gallery: Gallery) -> None:
    body = gallery.run(
        'mutation { insert_artist_one(object: {name: "New", total: {data: {total: 1}}}) { id } }',
    )

    assert "errors" in body and "data" not in body


def test_a_role_without_the_permission_has_neither(gallery: Gallery) -> None:
    assert list(_input(gallery, "artist_insert_input", "visitor")) == ["mood", "name"]
    assert _input(gallery, "sold_painting_arr_rel_insert_input", "visitor") is None


def test_the_check_option_of_a_view_is_told(gallery: Gallery) -> None:
    gallery.sql("create view early_visit as select * from visit where day < '2024-06-01' with check option")
    gallery.call("pg_track_table", {"table": "early_visit"})
    body = gallery.run('mutation { insert_early_visit_one(object: {day: "2024-07-01", artist_id: 1}) { id } }')
    gallery.restore()
    gallery.sql("drop view early_visit")

    (error,) = body["errors"]
    assert error["message"] == 'Check constraint violation. new row violates check option for view "early_visit"'
    assert error["extensions"]["code"] == "permission-error"
    assert error["extensions"]["path"] == "$.selectionSet.insert_early_visit_one.args.object"
