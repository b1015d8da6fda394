"""`automio.toml`: what cannot be sent is refused where it stands, and what is printed is read back equal."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automio._development.manifest import ManifestError, read_manifest, read_manifest_file, write_manifest
from automio._json import encode_json

ACTION = '[actions.a]\nentry = "a.py:main"\n'
SCHEDULE = '[[actions.a.schedules]]\nname = "x"\nevery_minutes = 5\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (ACTION + "input_schema = {properties = {a = {default = inf}}}", "input_schema.properties.a.default is inf"),
        (ACTION + "limits = {seconds = [1, nan]}", "limits.seconds.1 is nan"),
        (ACTION + SCHEDULE + "input = {a = -inf}", "actions.a.schedules.input.a is -inf"),
        (ACTION + "limits = {seconds = 1e999}", "limits.seconds is inf"),
        (ACTION + "input_schema = " + "{a = " * 3000 + "1" + "}" * 3000, "nested too deeply"),
        (ACTION + f"[actions.a.input_schema{'.a' * 3000}]\nb = 1", "nested too deeply"),
        (ACTION + f"[actions.a.limits{'.a' * 60}]\nb = 1", "actions.a.limits.a.a.a is nested too deeply"),
        (ACTION + "limits = {seconds = " + "9" * 5000 + "}", "is not TOML"),
        (ACTION + SCHEDULE * 2, "actions.a.schedules: two have the name 'x'"),
        ("<<<<<<< mine\n", "is not TOML"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_its_place(text: str, told: str) -> None:
    with pytest.raises(ManifestError) as refused:
        read_manifest(text)
    assert told in str(refused.value) and len(str(refused.value)) < 500


def test_two_actions_may_have_schedules_of_one_name() -> None:
    text = ACTION + SCHEDULE
    assert len(read_manifest(text + text.replace("actions.a", "actions.b"))) == 2


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    file = tmp_path / "automio.toml"
    assert read_manifest_file(file) == []
    file.write_bytes(b'name = "\xff"')
    with pytest.raises(ManifestError, match=r"automio\.toml is not UTF-8 text \(byte 8\)"):
        read_manifest_file(file)


TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=3)


def has_null(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(has_null(item) for item in (value.values() if isinstance(value, dict) else value))
    return value is None


@settings(max_examples=200, deadline=None)
@given(OBJECT, OBJECT, TEXT)
def test_what_is_printed_is_read_back_equal(schema: dict[str, Any], given_input: dict[str, Any], name: str) -> None:
    action = {"slug": "a", "entry": "a.py", "name": name, "input_schema": schema}
    schedule = {"name": f"s{name}", "schedule": {"cron": "0 6 * * *"}, "input": given_input}
    text = write_manifest([(action, [schedule])])
    [read] = read_manifest(text)
    printed = {"entry": "a.py"} | ({"name": name} if name else {})
    assert read.fields == printed | ({"input_schema": schema} if schema and not has_null(schema) else {})
    kept = {"input": given_input} if given_input and not has_null(given_input) else {}
    assert read.schedules == [{"name": f"s{name}", "schedule": {"cron": "0 6 * * *"}, **kept}]
    assert ("# input_schema is left out" in text) == has_null(schema)
    encode_json(read.fields)


@pytest.mark.parametrize("value", [Decimal("0.12345678901234567890123"), {"a\nb": None}])
def test_what_toml_cannot_hold_is_a_comment_that_says_so(value: Any) -> None:
    text = write_manifest([({"slug": "a", "entry": "a.py", "input_schema": {"default": value}}, [])])
    assert "# input_schema is left out and stays as it is on the platform: input_schema.default" in text
    assert read_manifest(text)[0].fields == {"entry": "a.py"}
