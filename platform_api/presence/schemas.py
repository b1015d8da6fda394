"""Defines what the WebSocket of presences carries."""

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import BaseModel

from platform_api.presence.models import Person


class PersonRead(BaseModel):
    """Names somebody else who has the document open."""

    id: int
    name: str


class PeopleMessage(BaseModel):
    """Tells who else has the document open, whenever that changes."""

    type: Literal["people"] = "people"
    people: list[PersonRead]

    @classmethod
    def of(cls, people: Sequence[Person]) -> Self:
        return cls(people=[PersonRead(id=person.id, name=person.name) for person in people])
