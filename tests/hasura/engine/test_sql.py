"""Fragments: nothing but quoted names, parameters and our own keywords becomes SQL."""

import pytest

from hasura.engine.sql.composition import (
    EMPTY,
    Sql,
    concat,
    ident,
    join,
    param,
    quote_identifier,
    render,
    small_int,
    sql,
    string_constant,
    substitute,
)


def test_equal_parameters_share_one_number() -> None:
    fragment = concat(param("a"), sql(", "), param("b"), sql(", "), param("a"))

    assert render(fragment) == ("$1, $2, $1", ("a", "b"))


def test_identifiers_are_quoted_whatever_they_hold() -> None:
    assert render(ident('we"ird', "na.me"))[0] == '"we""ird"."na.me"'
    with pytest.raises(ValueError, match="identifier"):
        quote_identifier("")
    with pytest.raises(ValueError, match="zero byte"):
        quote_identifier("a\x00b")


def test_constants_are_quoted_with_backslashes_kept() -> None:
    assert render(string_constant("it's"))[0] == "'it''s'"
    assert render(string_constant("a\\b"))[0] == " E'a\\\\b'"


def test_raw_text_joins_no_fragment() -> None:
    with pytest.raises(TypeError, match="not from raw text"):
        Sql(("drop table x",))
    with pytest.raises(TypeError, match="only SQL joins SQL"):
        sql("select ") + "1"  # type: ignore[operator]  # what must not work
    with pytest.raises(TypeError, match="only SQL joins SQL"):
        join(", ", ["1"])  # type: ignore[list-item]


@pytest.mark.parametrize("value", ["1", 1.5, True])
def test_only_whole_numbers_are_written_into_text(value: object) -> None:
    with pytest.raises(TypeError, match="whole number"):
        small_int(value)  # type: ignore[arg-type]


def test_parameters_can_be_replaced_by_other_sql() -> None:
    fragment = concat(sql("select "), param("a"), sql(" + "), param("b"))

    replaced = substitute(fragment, lambda parameter: ident("s", str(parameter)))

    assert render(replaced) == ('select "s"."a" + "s"."b"', ())


def test_nothing_is_false() -> None:
    assert not EMPTY
    assert not sql("")
    assert sql("x")
