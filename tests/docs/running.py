"""Runs blocks of a document as they stand: Python in this process, shell in a terminal that a page shares.

A failure names the document's line: Python blocks are compiled under the document's name at the line where they
stand, so that even a traceback points into the document.
"""

import contextlib
import io
import json
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import graphql
import yaml

from tests.docs.blocks import Block


class BlockFailed(AssertionError):
    """A block does not do what its document says."""

    def __init__(self, block: Block, reason: str) -> None:
        super().__init__(f"{block.where} ({block.language}): {reason}\n\n{block.text}")


@contextlib.contextmanager
def working_directory(directory: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(directory)
    try:
        yield
    finally:
        os.chdir(before)


def run_python(
    block: Block, names: Mapping[str, object], *, within: Path | None = None
) -> tuple[dict[str, Any], str]:
    """Runs a Python block with `names` defined; returns its globals and what it printed.

    A block that ends by `SystemExit(0)` has worked, like a script that ends so.
    """
    namespace: dict[str, Any] = {"__name__": "__main__", **names}
    # Line numbers of the document: the code is moved down to where it stands.
    code = compile("\n" * (block.line - 1) + block.text, str(block.document), "exec")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), working_directory(within or Path.cwd()):
        try:
            exec(code, namespace)
        except SystemExit as end:
            if end.code not in (None, 0):
                raise BlockFailed(block, f"ended with status {end.code}") from end
        except Exception as error:
            raise BlockFailed(block, f"{type(error).__name__}: {error}") from error
    return namespace, printed.getvalue()


def check_syntax(block: Block) -> None:
    """Raises BlockFailed when a block is not valid in its language."""
    try:
        match block.language:
            case "python":
                compile(block.text, str(block.document), "exec")
            case "json":
                json.loads(block.text)
            case "yaml":
                list(yaml.safe_load_all(block.text))
            case "graphql":
                graphql.parse(block.text)
            case "bash":
                text = re.sub(r"(?m)^\$ ", "", block.text)
                subprocess.run(["bash", "-n"], input=text, text=True, check=True, capture_output=True)
    except (SyntaxError, ValueError, yaml.YAMLError, graphql.GraphQLError) as error:
        raise BlockFailed(block, f"is not {block.language}: {error}") from error
    except subprocess.CalledProcessError as error:
        raise BlockFailed(block, f"is not a script: {error.stderr}") from error


def run_json(block: Block) -> Any:
    """Returns the value of a JSON block; it must be JSON to the letter."""
    try:
        return json.loads(block.text)
    except ValueError as error:
        raise BlockFailed(block, f"is not JSON: {error}") from error


def expect_output(block: Block, output: str) -> None:
    """Checks that each line of an `output` block appears in `output`, in this order; `…` stands for anything."""
    position = 0
    for line in block.text.splitlines():
        if not line.strip():
            continue
        pattern = ".*".join(re.escape(part) for part in line.strip().split("…"))
        found = re.compile(pattern).search(output, position)
        if found is None:
            raise BlockFailed(block, f"not printed: {line.strip()!r}; printed was:\n{output}")
        position = found.end()


def expect_shape(block: Block, reply: Any) -> None:
    """Checks that `reply` has every key that a JSON block shows, with values of the same kind."""
    if (difference := _difference(run_json(block), reply, "reply")) is not None:
        raise BlockFailed(block, f"{difference}; the reply was {json.dumps(reply)[:2000]}")


def _difference(shown: Any, real: Any, where: str) -> str | None:
    if isinstance(shown, dict) and isinstance(real, dict):
        for key, value in shown.items():
            if key not in real:
                return f"{where} has no {key!r}"
            if (difference := _difference(value, real[key], f"{where}.{key}")) is not None:
                return difference
        return None
    if isinstance(shown, list) and isinstance(real, list):
        if shown and not real:
            return f"{where} is empty"
        return next((found for item in real[:1] if (found := _difference(shown[0], item, f"{where}[0]"))), None)
    if shown is None or real is None or isinstance(real, type(shown)):
        return None
    return f"{where} is {type(real).__name__}, shown as {type(shown).__name__}"


def _let_interrupt() -> None:
    """Makes Ctrl-C end a process also where the tests themselves run in the background, which ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """A shell for the blocks of one page: directory and exported variables carry over from block to block."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self.directory = directory
        self._environment = dict(environment)
        self._state = directory / ".terminal-state"
        self._background: list[subprocess.Popen[bytes]] = []

    def run(self, block: Block, *, timeout: float = 600) -> str:
        """Runs a shell block to its end; returns what it printed. The first command that fails fails the block."""
        done = subprocess.run(
            ["bash", "-c", self._script(block)],
            cwd=self.directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
        )
        if done.returncode != 0:
            raise BlockFailed(block, f"ended with status {done.returncode}:\n{done.stdout[-4000:]}")
        return done.stdout

    def run_in_background(self, block: Block, *, until: str, timeout: float = 600) -> str:
        """Starts a shell block that goes on until the page ends; returns once it has printed `until`."""
        log = self.directory / f".background-{len(self._background)}.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                ["bash", "-c", self._script(block)],
                cwd=self.directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
                preexec_fn=_let_interrupt,
            )
        self._background.append(process)
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            printed = log.read_text(errors="replace")
            if until in printed:
                return printed
            if process.poll() is not None:
                raise BlockFailed(block, f"ended with status {process.returncode}:\n{printed[-4000:]}")
            time.sleep(0.05)
        raise BlockFailed(block, f"did not print {until!r} within {timeout} s:\n{log.read_text(errors='replace')}")

    def close(self) -> None:
        """Stops what runs in the background, as Ctrl-C in its terminal would."""
        for process in reversed(self._background):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(240)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _script(self, block: Block) -> str:
        state = shlex.quote(str(self._state))
        # `$ ` before a command is how some documents show a prompt.
        text = re.sub(r"(?m)^\$ ", "", block.text)
        return (
            f"if [ -e {state} ]; then . {state}; fi\n"
            f"""trap 'status=$?; {{ export -p; printf "cd %q\\n" "$PWD"; }} > {state}; exit $status' EXIT\n"""
            f"set -euo pipefail\n{text}"
        )
