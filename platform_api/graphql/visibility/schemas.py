"""Defines the JSON of visibility."""

from typing import Any, Self

from pydantic import BaseModel, Field

from platform_api.graphql.visibility.service import RulePart, Visibility


class RulePartRead(BaseModel):
    words: str = Field(description="The part in words")
    rule: dict[str, Any] = Field(description="The part as a boolean expression")
    is_met: bool

    @classmethod
    def of(cls, part: RulePart) -> Self:
        return cls(words=part.words, rule=dict(part.rule), is_met=part.is_met)


class VisibilityRead(BaseModel):
    """Says whether somebody sees a row, and why."""

    is_visible: bool
    reason: str
    parts: list[RulePartRead] = Field(description="The parts of the rule, all of which must be met")
    hidden_columns: list[str] = Field(description="Columns that are hidden in every row")

    @classmethod
    def of(cls, visibility: Visibility) -> Self:
        return cls(
            is_visible=visibility.is_visible,
            reason=visibility.reason,
            parts=[RulePartRead.of(part) for part in visibility.parts],
            hidden_columns=list(visibility.hidden_columns),
        )
