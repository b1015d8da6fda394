"""One page of the documentation, worked through from top to bottom as a reader would.

What a block may say of itself, after its language or in a comment on the line before it:

| word | on | meaning |
| --- | --- | --- |
| `needs-docker`, `needs-systemd`, `needs-network` | any | not run; counted in the summary of the test run |
| `needs-node` | any | the same where there is no Node |
| `npm` | shell | `npm install …`: installed once for all pages and test runs, and linked here |
| `file=NAME` | any | what the reader saves under this name |
| `background until=TEXT` | shell | goes on until the page ends; the next block waits for TEXT (`_`: a space) |
| `output` | text | lines that the block before must have printed |
| `request=METHOD:/path` | json | the body of a request that must succeed |
| `reply` | json | what the last request answered: its keys, and the kinds of its values |
| `app=APP` | graphql | sent to the endpoint of this app (id or slug) |
| `variables` | json | the variables of the next GraphQL block |
| `names=NAME` | python | uses names the text leaves undefined, defined by the fixture NAME of `test_documents.py` |

Python blocks of a page share their names, like a session; GraphQL blocks are sent to the platform as its owner.
The lines of pages for newcomers are pasted into a terminal instead (`tests/docs/pasted.py`).
"""

import gc
import json
import os
import sys
import warnings
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import yaml

from platform_api.supervisor.testing import NO_CERTIFICATES, Installation
from tests.docs import npm_packages
from tests.docs.blocks import Block
from tests.docs.pasted import PastedTerminal
from tests.docs.running import BlockFailed, Terminal, expect_output, expect_shape, run_json, run_python

ROOT = Path(__file__).parents[2]
NOT_RUN_HERE = frozenset(
    {"needs-docker", "needs-systemd", "needs-network"} | (set() if npm_packages.has_node() else {"needs-node"})
)
# What a reader has in the checkout, besides what a page itself makes.
_CHECKOUT = (".venv", "Makefile", "alembic", "automio", "benchmarks", "deploy", "docs", "hasura", "platform_api")
_CHECKOUT += ("plugins", "pyproject.toml", "README.md", "sandbox_runner", "scripts", ".env.example", "Dockerfile")
_CHECKOUT += ("docker-compose.yml",)

Names = Callable[["Page"], Mapping[str, object]]


class Page:
    """The reader's folder (a copy of the checkout by links), terminal, Python session and platform."""

    def __init__(self, directory: Path, *, port: int, names: Mapping[str, Names], is_pasted: bool = False) -> None:
        self.directory = directory
        self.reply: Any = None
        self._names = names
        self._namespace: dict[str, Any] = {}
        self._variables: Any = None
        self._printed = ""
        self._stack = ExitStack()
        self._has_platform = False
        for name in _CHECKOUT:
            (directory / name).symlink_to(ROOT / name)
        (directory / ".installed").touch()
        terminal = PastedTerminal if is_pasted else Terminal
        self._terminal = terminal(
            directory,
            {
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "HOME": str(directory),
                "LANG": "C.UTF-8",
                "AUTOMIO_PORT": str(port),
                # There is nothing to install, and nothing may be: .venv is that of these tests.
                "MAKEFLAGS": "STAMP=.installed",
                "PIP_NO_INDEX": "1",
            },
        )

    def close(self) -> None:
        # A reader's session ends without closing what it opened; it must not be found in somebody else's test.
        self._namespace.clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
        self._terminal.close()
        self._stack.close()

    @property
    def admin(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((self.directory / ".automio" / "admin.json").read_text())
        return loaded

    def client(self) -> httpx.Client:
        """Returns the platform, as its owner."""
        headers = {"Authorization": f"Bearer {self.admin['token']}"}
        return httpx.Client(base_url=self.admin["base_url"], headers=headers, timeout=240, verify=NO_CERTIFICATES)

    def run(self, block: Block) -> None:
        """Does what the block says. Raises BlockFailed."""
        if "file" in block.options:
            (self.directory / block.options["file"]).write_text(block.text)
            return
        match block.language:
            case "bash":
                self._run_shell(block)
            case "python" if isinstance(self._terminal, PastedTerminal):
                self._printed = self._terminal.run_python(block)
            case "python":
                self._need_platform()
                names = self._names[block.options["names"]](self) if "names" in block.options else {}
                self._namespace, self._printed = run_python(
                    block, {**self._namespace, **names}, within=self.directory
                )
            case "graphql":
                self._need_platform()
                path = f"/api/apps/{block.options['app']}/v1/graphql" if "app" in block.options else "/v1/graphql"
                self._send(block, "POST", path, {"query": block.text, "variables": self._variables or {}})
                self._variables = None
                if errors := self.reply.get("errors"):
                    raise BlockFailed(block, f"answered errors: {errors}")
            case "json":
                self._run_json(block)
            case "yaml":
                yaml.safe_load(block.text)
            case _ if "output" in block.tags:
                expect_output(block, self._printed)

    def _run_shell(self, block: Block) -> None:
        if "npm" in block.tags:
            npm_packages.link(block.text, self.directory)
        elif "background" in block.tags:
            self._has_platform = True
            until = block.options["until"].replace("_", " ")
            self._printed = self._terminal.run_in_background(block, until=until)
        else:
            self._printed = self._terminal.run(block)

    def _run_json(self, block: Block) -> None:
        value = run_json(block)
        if "request" in block.options:
            self._need_platform()
            method, _, path = block.options["request"].partition(":")
            self._send(block, method, path, value)
        elif "reply" in block.tags:
            expect_shape(block, self.reply)
        elif "variables" in block.tags:
            self._variables = value

    def _send(self, block: Block, method: str, path: str, body: Any) -> None:
        with self.client() as client:
            answer = client.request(method, path, json=body)
        if not answer.is_success:
            raise BlockFailed(block, f"{method} {path} answered {answer.status_code}: {answer.text[:2000]}")
        self.reply = answer.json() if answer.content else None

    def _need_platform(self) -> None:
        """Pages that do not start one themselves find one running, as their first lines ask for."""
        if not self._has_platform:
            self._has_platform = True
            self._stack.enter_context(Installation(self.directory / ".automio"))
