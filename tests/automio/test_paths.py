"""Paths into JSON."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automio._paths import ABSENT, all_at, at, put, steps_of

DATA: dict[str, Any] = {
    "a": {"b": [10, {"c": 20}], "x.y": 30, "null": None},
    "@odata.nextLink": "url",
    "k[1]": 40,
    "k": [50, 60],
    "*": 70,
    'q"]': 80,
    "back\\slash": 90,
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("", DATA),
        ("a.b.0", 10),
        ("a.b[1].c", 20),
        ("a.null", None),
        ('["@odata.nextLink"]', "url"),
        ("['@odata.nextLink']", "url"),
        (r"@odata\.nextLink", "url"),
        ("@odata.nextLink", "url"),
        ('a["x.y"]', 30),
        (r"a.x\.y", 30),
        ("k[1]", 60),
        ('["k[1]"]', 40),
        ("*", 70),
        (r'["q\"]"]', 80),
        (r"back\\slash", 90),
        ("a.b.2", ABSENT),
        ("a.b.c", ABSENT),
        ("a.null.x", ABSENT),
        ("nothing", ABSENT),
    ],
)
def test_a_path_leads_to_its_value(path: str, value: Any) -> None:
    assert at(DATA, path) is value or at(DATA, path) == value


@pytest.mark.parametrize(
    ("path", "items"),
    [
        ("a.b", [10, {"c": 20}]),
        ("edges.*.node", [1, 2]),
        ("by_id.*", [{"n": 1}, {"n": 2}]),
        ("by_id.*.n", [1, 2]),
        ("envelope.?", [5]),
        ("envelope.?.*", [5]),
        ("empty.*", []),
        ("none.*", None),
        ("nothing.*", ABSENT),
        ("only.?", ABSENT),
        (r"\*", 3),
        ('["?"]', 4),
    ],
)
def test_lists_are_found_under_wildcards(path: str, items: Any) -> None:
    data = {
        "a": {"b": [10, {"c": 20}]},
        "edges": [{"node": 1}, {"node": 2}, {"other": 3}],
        "by_id": {"x": {"n": 1}, "y": {"n": 2}},
        "envelope": {"count": 1, "_links": [1], "things": [5]},
        "empty": {},
        "none": None,
        "only": {"a": 1},
        "*": 3,
        "?": 4,
    }
    found = all_at(data, path)
    assert found is items or found == items


@pytest.mark.parametrize("path", [".", "a..b", "a.", ".a", " a", '["a', '["a"', '["a"]b', ".".join("a" * 21)])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        steps_of(path)


@given(st.lists(st.text(), min_size=1, max_size=4), st.integers())
def test_every_key_can_be_addressed(keys: list[str], value: int) -> None:
    path = "".join('["' + key.replace("\\", "\\\\").replace('"', '\\"') + '"]' for key in keys)
    data: dict[str, Any] = {}
    put(data, path, value)
    assert at(data, path) == value
    for key in keys:
        assert list(data) == [key]
        data = data[key]
    assert data == value
