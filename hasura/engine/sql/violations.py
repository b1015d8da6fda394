"""Lets SQL itself raise refusals, so that a statement fails as a whole.

A statement ends with `where <guard>`. A guard casts text to boolean: `true` when all is well, else a text no boolean
reads, whose error message carries code and message. That needs no function in the user's database.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from hasura.engine.sql.composition import Sql, concat, sql, string_constant

_MARK = "hasura-error"
_VIOLATION = re.compile(rf"{_MARK}:(statement|relationship|stored):([a-z-]+):(.*)", re.DOTALL)
CHECK_FAILED = ("permission-error", "check constraint of an insert/update permission has failed")


class Blamed(StrEnum):
    """Tells what a guard is about, which is the place of its error."""

    STATEMENT = "statement"
    # The relationship through which its rows were inserted.
    RELATIONSHIP = "relationship"
    # Existing rows that an upsert updated.
    STORED_ROWS = "stored"


@dataclass(frozen=True, slots=True)
class Violation:
    """Tells why a guard failed."""

    blamed: Blamed
    code: str
    message: str


def guard(is_violated: Sql, code: str, message: str, *, blamed: Blamed = Blamed.STATEMENT) -> Sql:
    """Returns a condition that holds, or fails the statement with this code and message."""
    return concat(
        sql("(case when "),
        is_violated,
        sql(" then "),
        string_constant(f"{_MARK}:{blamed}:{code}:{message}"),
        sql("::text else 'true'::text end)::boolean"),
    )


def parse_violation(message: str) -> Violation | None:
    """Returns what a guard that failed says, from PostgreSQL's error text."""
    match = _VIOLATION.search(message)
    return Violation(Blamed(match[1]), match[2], match[3].removesuffix('"')) if match else None
