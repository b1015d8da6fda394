"""Defines the JSON of plans."""

from typing import Self

from pydantic import BaseModel, Field

from platform_api.tables.plans.checks import CheckState, Finding
from platform_api.tables.plans.failing_rows import RuleKind
from platform_api.tables.plans.locks import Lock, Work
from platform_api.tables.plans.service import Plan, PlannedStatement
from platform_api.tables.plans.uses import Use, UseKind


class StatementRead(BaseModel):
    sql: str
    lock: Lock = Field(description="The lock's name in PostgreSQL; `none` for a table that nobody else sees yet")
    work: Work = Field(description="What it does with the rows: nothing (`brief`), look at all, or write all anew")
    words: str = Field(description="Who waits for it, and until when")

    @classmethod
    def of(cls, planned: PlannedStatement) -> Self:
        effect = planned.effect
        return cls(sql=planned.statement.sql, lock=effect.lock, work=effect.work, words=effect.words)


class ExampleRow(BaseModel):
    id: str
    value: str | None = Field(description="The value that is at fault, as text of at most 200 characters")


class CheckRead(BaseModel):
    """Describes what the change demands of the rows that are there, and whether they meet it."""

    kind: RuleKind
    columns: list[str] = Field(description="As they are named after the change")
    state: CheckState
    count: int = Field(description="Rows that would fail")
    is_exact: bool = Field(description="False: there are more than `count`")
    message: str
    examples: list[ExampleRow] = Field(description="At most 10, of the caller's organization only")
    filter_column: str | None = Field(description="The column's present name, where it is one that exists")

    @classmethod
    def of(cls, finding: Finding) -> Self:
        return cls(
            kind=finding.rule.kind,
            columns=list(finding.rule.columns),
            state=finding.state,
            count=finding.count,
            is_exact=finding.is_exact,
            message=finding.message,
            examples=[ExampleRow(id=str(row_id), value=value) for row_id, value in finding.examples],
            filter_column=finding.rule.filter_column,
        )


class UseRead(BaseModel):
    """Names something that uses a column or table that the change drops or renames."""

    column: str | None = Field(description="None: the table itself")
    kind: UseKind
    name: str = Field(
        description="The columns of a key, the file of a source; of `others_…`, their number; the place in a"
        " permission: what a rule or a preset uses has to be changed there before the change can be made"
    )
    line: int | None = Field(description="Of a source: the first line that mentions it as a word")
    id: int | None = Field(description="Of a view, a draft, a sync, an action, a schedule")
    parent: str | None = Field(description="Of a schedule: its action")

    @classmethod
    def of(cls, use: Use) -> Self:
        return cls(column=use.column, kind=use.kind, name=use.name, line=use.line, id=use.id, parent=use.parent)


class TableUses(BaseModel):
    """Names what uses a table: it would miss the table."""

    uses: list[UseRead]


class PlanRead(BaseModel):
    """Describes what a change of a table would do. It is what `apply` executes; nothing has been changed."""

    table: str
    revision: str | None = Field(description="Of the table now, for `base_revision`; null for a new table")
    rows: int = Field(description="Of every organization that uses the app")
    is_estimate: bool = Field(description="Whether `rows` is PostgreSQL's estimate")
    bytes: int = Field(description="What the table takes, with its indexes")
    statements: list[StatementRead]
    lock: Lock = Field(description="The strongest lock; all are held until the whole change is made")
    rewrites: bool = Field(description="Whether every row is written anew")
    checks: list[CheckRead]
    uses: list[UseRead]

    @classmethod
    def of(cls, plan: Plan) -> Self:
        return cls(
            table=plan.table,
            revision=plan.revision,
            rows=plan.size.rows,
            is_estimate=plan.size.is_estimate,
            bytes=plan.size.bytes,
            statements=[StatementRead.of(statement) for statement in plan.statements],
            lock=plan.lock,
            rewrites=plan.rewrites,
            checks=[CheckRead.of(finding) for finding in plan.findings],
            uses=[UseRead.of(use) for use in plan.uses],
        )
