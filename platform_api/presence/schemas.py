"""Defines what the WebSocket of presences carries."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints

from platform_api.presence.models import Person
from platform_api.tables.names import MAX_IDENTIFIER_BYTES


class CellRead(BaseModel):
    """Names a cell of the table that is open."""

    row: UUID
    column: str


class PersonRead(BaseModel):
    """Names somebody else who has the document open, and those of the cells they edit that the reader may see."""

    id: int
    name: str
    edits: list[CellRead]


class PeopleMessage(BaseModel):
    """Tells who else has the document open, whenever that changes."""

    type: Literal["people"] = "people"
    people: list[PersonRead]

    @classmethod
    def of(cls, people: Sequence[Person]) -> Self:
        return cls(
            people=[
                PersonRead(
                    id=person.id,
                    name=person.name,
                    edits=[CellRead(row=cell.row, column=cell.column) for cell in person.edited],
                )
                for person in people
            ]
        )


class EditedCell(BaseModel):
    """Names the cell that is edited in a window."""

    model_config = ConfigDict(extra="forbid")

    row: UUID
    column: Annotated[str, StringConstraints(pattern=r"\A[A-Za-z][A-Za-z0-9_]*\z", max_length=MAX_IDENTIFIER_BYTES)]


class EditMessage(BaseModel):
    """Tells, from a window, which cell is edited in it; null: none any more."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["edit"]
    cell: EditedCell | None


class Refusal(BaseModel):
    """Says to a window what was wrong with its message."""

    type: Literal["refused"] = "refused"
    detail: str
