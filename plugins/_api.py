"""The global `api` of plugin modules."""

import importlib
from typing import Any


class CurrentApi:
    """Stands for the client that invoked a plugin last; made from the environment when there was none yet."""

    def __init__(self) -> None:
        self.client: Any = None

    def __getattr__(self, name: str) -> Any:
        if self.client is None:
            # By name, and where every release has it: these modules are used with whichever client is installed.
            self.client = importlib.import_module("automio.wrapper").API()
        return getattr(self.client, name)

    def __repr__(self) -> str:
        return f"<api of plugins: {self.client!r}>"


current_api = CurrentApi()


def use_api(client: Any) -> None:
    """Makes `client` the `api` of plugin code."""
    current_api.client = client
