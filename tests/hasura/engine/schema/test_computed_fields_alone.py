"""A role that sees no column of a table, only a computed field, orders and aggregates by it."""

from tests.hasura.engine.schema.conftest import Gallery


def test_rows_are_ordered_by_the_computed_field(gallery: Gallery) -> None:
    body = gallery.run("{ specimen(order_by: {weight: desc}, limit: 1) { weight } }", role="weigher")

    assert body == {"data": {"specimen": [{"weight": 2.0}]}}


def test_so_are_the_nodes_of_aggregates(gallery: Gallery) -> None:
    body = gallery.run(
        """{ specimen_aggregate(order_by: {weight: asc}, where: {weight: {_gt: 0}}) {
             aggregate { count max { weight } } nodes { weight } } }""",
        role="weigher",
    )

    assert body == {
        "data": {
            "specimen_aggregate": {
                "aggregate": {"count": 2, "max": {"weight": 2.0}},
                "nodes": [{"weight": 1.0}, {"weight": 2.0}],
            }
        }
    }
