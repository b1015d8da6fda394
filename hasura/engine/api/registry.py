"""Registers commands by name. They read arguments, edit documents through the workspace, and answer JSON."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from hasura.engine.api.workspace import Workspace
from hasura.engine.exact_json import Json, JsonObject
from hasura.engine.metadata.keys import Keys
from hasura.engine.metadata.reading import Reader

Handler = Callable[[Workspace, Reader], Awaitable[Json]]
SUCCESS: Final[JsonObject] = {"message": "success"}


@dataclass(frozen=True, slots=True)
class Command:
    """Describes a command. `writes`: takes the metadata lock. `takes`: its arguments; None: checks them itself."""

    handler: Handler
    writes: bool
    takes: Keys | None


commands: dict[str, Command] = {}


def command(*names: str, writes: bool = True, takes: Keys | None = None) -> Callable[[Handler], Handler]:
    """Registers a handler; with a `pg_` name it goes under the bare name, too, as in the older API.

    Every call may name the source as well as what it `takes`.
    """
    arguments = takes.with_arguments("source") if takes is not None else None

    def register(handler: Handler) -> Handler:
        for name in names:
            commands[name] = Command(handler, writes, arguments)
            if name.startswith("pg_"):
                commands.setdefault(name.removeprefix("pg_"), Command(handler, writes, arguments))
        return handler

    return register
