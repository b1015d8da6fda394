"""Refusals that SQL itself must raise, so that a statement fails as a whole.

A statement ends with `where <guard>`. A guard casts text to boolean: `true` when all is well, else a text no boolean
reads, whose error message carries code and message. That needs no function in the user's database.
"""

from dataclasses import dataclass

from hasura.engine.sql import Sql, concat, sql, string_constant

MARK = "hasura-error:"
CHECK_FAILED = ("permission-error", "check constraint of an insert/update permission has failed")


_UPDATED_MARK = "hasura-error-of-update:"


@dataclass(frozen=True, slots=True)
class Violation:
    """Why a guard failed."""

    code: str
    message: str
    is_of_inserted_rows: bool
    """False when it is a row that was there before, which an upsert updated."""


def guard(is_violated: Sql, code: str, message: str, *, is_of_inserted_rows: bool = True) -> Sql:
    """A condition that holds, or fails the statement with this code and message."""
    mark = MARK if is_of_inserted_rows else _UPDATED_MARK
    return concat(
        sql("(case when "),
        is_violated,
        sql(" then "),
        string_constant(f"{mark}{code}:{message}"),
        sql("::text else 'true'::text end)::boolean"),
    )


def parse_violation(message: str) -> Violation | None:
    """What a guard that failed says, from PostgreSQL's error text."""
    for mark in (MARK, _UPDATED_MARK):
        start = message.find(mark)
        if start >= 0:
            code, _, text = message[start + len(mark) :].partition(":")
            return Violation(code, text.removesuffix('"'), mark is MARK)
    return None
