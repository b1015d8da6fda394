"""Puts the statements of a step together, and what statements of mutations share."""

from collections.abc import Callable, Sequence

from hasura.engine.errors import ValidationFailed
from hasura.engine.ir.parameters import SessionDocument
from hasura.engine.plan import ParameterSource, PreviousResult, Statement, Variables
from hasura.engine.sql.composition import Sql, concat, join, param, render, sql

MAX_PARAMETERS = 32_767
"""Of one statement, in PostgreSQL's protocol."""
SESSION = "automio session"
ROWS = "automio rows"
OK = "automio check"
UPDATED = "automio updated"
"""Whether an upsert found the row there already."""


class StatementList:
    """Collects the statements of one step, in order. `members`: those that each give a member of the field's list."""

    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self.members: tuple[PreviousResult, ...] | None = None

    def add(self, fragment: Sql, place: Callable[[Variables], str] | None = None) -> PreviousResult:
        """Appends a statement; its result can be a parameter of later ones."""
        self.statements.append(self.statement_of(fragment, place))
        return PreviousResult(len(self.statements) - 1)

    @staticmethod
    def statement_of(fragment: Sql, place: Callable[[Variables], str] | None = None) -> Statement:
        """Returns the statement of a fragment. Raises ValidationFailed beyond PostgreSQL's number of values."""
        text, parameters = render(fragment)
        if len(parameters) > MAX_PARAMETERS:
            raise ValidationFailed(
                f"the operation has {len(parameters)} single values, one takes at most {MAX_PARAMETERS};"
                " name many values in one list (_in), or send several operations"
            )
        sources: list[ParameterSource | PreviousResult] = []
        for parameter in parameters:
            assert isinstance(parameter, PreviousResult) or callable(parameter)
            sources.append(parameter)
        return Statement(text, tuple(sources), fragment, place)


def together(statements: Sequence[Statement]) -> Statement:
    """Returns one statement with the values of several that read, each a column."""
    columns = [concat(sql("("), statement.fragment, sql(")")) for statement in statements]
    return StatementList.statement_of(concat(sql("select "), join(", ", columns)))


def set_session() -> Sql:
    """Makes the session variables readable as `current_setting('hasura.user')` for column defaults and triggers."""
    return concat(sql("set_config('hasura.user', "), param(SessionDocument()), sql("::text, true)"))


def previous_document(result: PreviousResult) -> Sql:
    """Returns an earlier statement's JSON."""
    return concat(sql("("), param(result), sql("::text)::json"))
