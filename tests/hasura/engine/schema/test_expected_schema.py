"""The whole schema of each role of the gallery, as a Hasura v2 server writes it: what stands in `expected/`.

After an intended change run `WRITE_EXPECTED_SCHEMA=1 pytest tests/hasura/engine/schema/test_expected_schema.py`, and
read the difference line by line.
"""

import os
from pathlib import Path

import pytest
from graphql import (
    build_client_schema,
    get_introspection_query,
    lexicographic_sort_schema,
    print_schema,
    validate_schema,
)

from tests.hasura.engine.schema.conftest import Gallery

_EXPECTED = Path(__file__).parent / "expected"
_INTROSPECTION = get_introspection_query(directive_is_repeatable=True, schema_description=True)


def _compare(gallery: Gallery, role: str, name: str) -> None:
    schema = build_client_schema(gallery.run(_INTROSPECTION, role=role)["data"])
    assert validate_schema(schema) == []
    printed = print_schema(lexicographic_sort_schema(schema)) + "\n"
    path = _EXPECTED / f"{name}.graphql"
    if os.environ.get("WRITE_EXPECTED_SCHEMA"):
        path.write_text(printed)
    assert printed.splitlines() == path.read_text().splitlines()


@pytest.mark.parametrize("role", ["admin", "visitor", "weigher"])
def test_the_schema_of_a_role_is_as_written_down(gallery: Gallery, role: str) -> None:
    _compare(gallery, role, role)


def test_the_schema_of_a_customized_source_is_as_written_down(customized: Gallery) -> None:
    _compare(customized, "visitor", "customized")
