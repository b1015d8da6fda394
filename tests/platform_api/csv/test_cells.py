"""The `'` that keeps a text from being calculated, and that an import takes away again."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_api.csv.values.cells import guard_text, unguard_text

texts = st.one_of(st.text(), st.text("'=+-@1 \t\r\n\u200b\ufeffa", max_size=6))


@given(texts)
def test_a_guarded_text_comes_back_as_it_was(text: str) -> None:
    assert unguard_text(guard_text(text)) == text


@given(texts)
def test_a_guarded_text_is_no_formula_whatever_a_program_skips(text: str) -> None:
    seen = guard_text(text).strip(" \t\r\n\u200b\ufeff\xa0")
    try:
        float(seen)
    except ValueError:
        assert not seen.startswith(("=", "+", "-", "@"))


# What spreadsheets skip before a formula, or may: line ends, tabs, spaces of all kinds, zero-width and control
# characters, byte order marks.
SKIPPED = (
    "\t\n\r\v\f \x00\x1f\x7f\x85\xa0\xad\u1680\u2003\u200b\u200c\u200d\u200e\u2028\u2029\u202e\u2060\u3000\ufeff"
)


@given(st.text(SKIPPED, max_size=5), st.sampled_from("=+-@＝＋－＠"), st.text(max_size=8))
def test_every_formula_is_guarded_once_whatever_precedes_it(skipped: str, start: str, rest: str) -> None:
    text = skipped + start + rest
    is_number = not skipped and re.fullmatch(r"[+-](\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", start + rest, re.ASCII)
    assert guard_text(text) == (text if is_number else "'" + text)
    assert unguard_text(guard_text(text)) == text


@given(st.text("＝＋－＠=+-@0123456789.eE", min_size=1, max_size=6))
def test_full_width_signs_make_no_number(text: str) -> None:
    if text[0] in "＝＋－＠=@":
        assert guard_text(text) == "'" + text


@pytest.mark.parametrize(
    "text", ["=1", "+48 600 100 200", "-1+1", "@SUM(A1)", "\n=1", " =1", "\u200b=1", "＝1", "", " "]
)
def test_formulas_and_texts_that_look_empty_are_guarded(text: str) -> None:
    assert guard_text(text) == "'" + text


@pytest.mark.parametrize("text", ["-5", "+4.5", "1e5", "-1.5E+3", "a=1", "'quoted'", "it's", "00123", "'"[1:] + "x"])
def test_other_texts_stay(text: str) -> None:
    assert guard_text(text) == text
    assert unguard_text(text) == text


def test_a_text_that_begins_like_a_guarded_one_gets_one_more() -> None:
    assert guard_text("'=1") == "''=1"
    assert guard_text("'") == "''"
