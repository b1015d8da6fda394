"""Works through blocks as a reader at a terminal does: pastes them line by line into a shell or Python's prompt.

Both run in a pseudo-terminal (pty), so that what the shell or the prompt does to a pasted line happens here as well:
a SyntaxError after an indented block, a `!` that recalls the history, a command that asks because it can.
"""

import contextlib
import fcntl
import os
import re
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.docs.blocks import Block
from tests.docs.running import BlockFailed

_SHELL = ["bash", "--norc", "--noprofile", "-i"]
# The shell's prompt shows the status of the command before.
_SHELL_PROMPT = re.compile(r"(?:<(?P<status>\d+)>\$ |(?:^|\n)> )\Z")
_PYTHON_PROMPT = re.compile(r"(?:>>> |(?:^|\n)\.\.\. )\Z")
_PYTHON_ERROR = re.compile(r"^(?:Traceback \(most recent call last\):|\w*(?:Error|Exception)\b)", re.MULTILINE)
_COLUMNS = 1000  # wider than any line, so that nothing is wrapped
_STOP_SECONDS = 120


class PastedTerminal:
    """Has the terminals of a reader: one for commands, one with Python's prompt, one for each that goes on."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self._directory = directory
        self._environment = {
            **environment,
            "TERM": "dumb",
            "PS1": "<$?>$ ",
            "PS2": "> ",
            "HISTFILE": "/dev/null",
        }
        self._shell: _Session | None = None
        self._python: _Session | None = None
        self._background: list[_Session] = []

    def run(self, block: Block, *, timeout: float = 600) -> str:
        """Pastes a shell block; returns what it printed. The first command that fails fails the block."""
        if self._shell is None:
            self._shell = self._open(_SHELL, _SHELL_PROMPT)
        printed = ""
        for line in block.text.splitlines():
            printed += self._shell.paste(block, line, timeout)
            if (status := self._shell.status) not in (None, "0"):
                raise BlockFailed(block, f"{line!r} ended with status {status}:\n{printed[-4000:]}")
        return printed

    def run_in_background(self, block: Block, *, until: str, timeout: float = 600) -> str:
        """Pastes a block into a terminal of its own; returns once it has printed `until`."""
        session = self._open(_SHELL, _SHELL_PROMPT)
        self._background.append(session)
        *before, last = block.text.splitlines()
        for line in before:
            session.paste(block, line, timeout)
        return session.start(block, last, until, timeout)

    def run_python(self, block: Block, *, timeout: float = 600) -> str:
        """Pastes a block into the prompt of the page's Python; returns what it printed. Errors fail the block."""
        if self._python is None:
            self._python = self._open([".venv/bin/python", "-q"], _PYTHON_PROMPT)
        printed = ""
        # An empty line at the end: the reader presses Enter until the prompt is back.
        for line in [*block.text.splitlines(), ""]:
            printed += self._python.paste(block, line, timeout)
            if _PYTHON_ERROR.search(printed):
                raise BlockFailed(block, f"at the prompt, {line!r} came to:\n{printed[-4000:]}")
        return printed

    def close(self) -> None:
        """Ends every terminal; what goes on is stopped with Ctrl-C first."""
        sessions = [self._python, self._shell, *reversed(self._background)]
        for session in sessions:
            if session is not None:
                session.close()
        self._python = self._shell = None
        self._background.clear()

    def _open(self, command: Sequence[str], prompt: re.Pattern[str]) -> "_Session":
        return _Session(command, self._directory, self._environment, prompt)


class _Session:
    """Represents a program in a pty whose output is read all the time, as a terminal does."""

    def __init__(
        self, command: Sequence[str], directory: Path, environment: Mapping[str, str], prompt: re.Pattern[str]
    ) -> None:
        self.status: str | None = None
        """The status that the shell's last prompt shows; None at a prompt for more lines."""
        self._prompt = prompt
        self._raw = b""
        self._output = ""
        self._has_more = threading.Condition()
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, _COLUMNS, 0, 0))
        self._process = subprocess.Popen(
            command,
            cwd=directory,
            env=dict(environment),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._wait(lambda: prompt.search(self._output) is not None, 60):
            raise AssertionError(f"{command[0]} shows no prompt: {self._output!r}")

    def paste(self, block: Block, line: str, timeout: float) -> str:
        """Enters a line; returns what was printed until the next prompt, without the line itself."""
        self._enter(line)
        if not self._wait(lambda: self._prompt.search(self._after_echo()) is not None, timeout):
            raise BlockFailed(block, f"no prompt came back after {line!r}:\n{self._output[-4000:]}")
        printed = self._after_echo()
        match = self._prompt.search(printed)
        assert match is not None
        self.status = match.groupdict().get("status")
        return printed[: match.start()] + "\n"

    def start(self, block: Block, line: str, until: str, timeout: float) -> str:
        """Enters a line whose command goes on; returns what it printed once `until` is among it."""
        self._enter(line)

        def has_begun_or_ended() -> bool:
            printed = self._after_echo()
            return until in printed or self._prompt.search(printed) is not None

        if not self._wait(has_begun_or_ended, timeout) or until not in self._after_echo():
            raise BlockFailed(block, f"did not print {until!r} within {timeout} s:\n{self._output[-4000:]}")
        return self._after_echo()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            if self._prompt.search(self._output) is None:
                os.write(self._master, b"\x03")
                self._wait(lambda: self._prompt.search(self._output) is not None, _STOP_SECONDS)
            # Ctrl-D on an empty line is the end of the input.
            os.write(self._master, b"\x04")
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._reader.join(10)
        os.close(self._master)

    def _enter(self, line: str) -> None:
        with self._has_more:
            self._raw, self._output = b"", ""
        os.write(self._master, line.encode() + b"\n")

    def _after_echo(self) -> str:
        """Returns what was printed after the line that was entered; nothing while its echo has not ended."""
        return self._output.partition("\n")[2]

    def _wait(self, condition: Callable[[], bool], timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        with self._has_more:
            while not condition():
                if time.monotonic() >= deadline or not self._reader.is_alive():
                    return False
                self._has_more.wait(0.5)
        return True

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 65536)
            except OSError:  # the last process of the terminal has ended
                data = b""
            with self._has_more:
                # A character or a line's end may be split between two reads.
                self._raw += data
                self._output = self._raw.decode(errors="replace").replace("\r\n", "\n")
                self._has_more.notify_all()
            if not data:
                return


def _take_terminal() -> None:
    """Makes the pty the terminal that Ctrl-C of this process comes from."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
