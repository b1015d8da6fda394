"""Provides the global `api` of plugin modules."""

import importlib
from typing import Any


class CurrentApi:
    """Forwards to the client that last invoked a plugin; creates one from the environment if there was none."""

    def __init__(self) -> None:
        self.client: Any = None

    def __getattr__(self, name: str) -> Any:
        if self.client is None:
            # Imported by name, from the module that every release has: any client may be installed.
            self.client = importlib.import_module("automio.wrapper").API()
        return getattr(self.client, name)

    def __repr__(self) -> str:
        return f"<api of plugins: {self.client!r}>"


current_api = CurrentApi()


def use_api(client: Any) -> None:
    """Sets the client that plugin code uses as `api`."""
    current_api.client = client
