"""Paths into JSON."""

import copy
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
    "links": [5, {"rel": "self", "n": 7, "href": "/1"}, {"rel": "next", "href": "/2"}],
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
        ("links[rel=next].href", "/2"),
        ('["links"][n=7].href', "/1"),
        ("links[rel=last].href", ABSENT),
        ("k[rel=next]", ABSENT),
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
        ("groups.*.items.*", [1, 2, 3]),
        ("groups.*.items", [[1, 2], None, [3]]),
        ("groups.*.?", [1, 2, 3]),
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
        "groups": [{"items": [1, 2]}, {"items": None}, {}, {"items": [3]}],
        "*": 3,
        "?": 4,
    }
    found = all_at(data, path)
    assert found is items or found == items


@pytest.mark.parametrize("path", [".", "a..b", "a.", ".a", " a", '["a', '["a"', '["a"]b', ".".join("a" * 21)])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        steps_of(path)


_values = st.recursive(
    st.integers(),
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(st.text(), inner, min_size=1, max_size=3),
    max_leaves=8,
)


def _leaves(data: Any, path: tuple[str | int, ...] = ()) -> dict[tuple[str | int, ...], Any]:
    if not isinstance(data, dict | list):
        return {path: data}
    pairs: Any = data.items() if isinstance(data, dict) else enumerate(data)
    return {place: leaf for key, value in pairs for place, leaf in _leaves(value, (*path, key)).items()}


@given(st.dictionaries(st.text(), _values, min_size=1, max_size=3), st.data())
def test_putting_changes_one_place_and_nothing_that_others_hold(data: dict[str, Any], draws: st.DataObject) -> None:
    """Also below lists, as in the body of a batch."""
    before = copy.deepcopy(data)
    leaves = _leaves(data)
    chosen = draws.draw(st.sampled_from(list(leaves)))
    path = "".join(
        f"[{key}]" if isinstance(key, int) else '["' + key.replace("\\", "\\\\").replace('"', '\\"') + '"]'
        for key in chosen
    )
    changed = dict(data)
    put(changed, path, "new")
    assert _leaves(changed) == {**leaves, chosen: "new"}
    assert data == before


@pytest.mark.parametrize("path", ["list.1.a", "list.x", "list.1"])
def test_a_list_has_no_place_for_an_item_that_it_does_not_have(path: str) -> None:
    data: dict[str, Any] = {"list": [{"a": 1}]}
    with pytest.raises(ValueError, match="a list of 1 items has no item"):
        put(data, path, 2)


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
