"""Commands by name. A command reads its arguments, edits documents through the workspace, and answers JSON."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from hasura.engine.api.workspace import Workspace
from hasura.engine.metadata.reading import Reader
from hasura.engine.metadata.types import Json, JsonObject

Handler = Callable[[Workspace, Reader], Awaitable[Json]]
SUCCESS: Final[JsonObject] = {"message": "success"}


@dataclass(frozen=True, slots=True)
class Command:
    """`writes`: takes the metadata lock before it runs."""

    handler: Handler
    writes: bool


commands: dict[str, Command] = {}


def command(*names: str, writes: bool = True) -> Callable[[Handler], Handler]:
    """Registers a handler; with a `pg_` name it goes under the bare name, too, as in the older API."""

    def register(handler: Handler) -> Handler:
        for name in names:
            commands[name] = Command(handler, writes)
            if name.startswith("pg_"):
                commands.setdefault(name.removeprefix("pg_"), Command(handler, writes))
        return handler

    return register
