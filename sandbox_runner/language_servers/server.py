"""Runs what knows the code in jails of their own, and carries its messages: pyrefly, and ruff beside it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox_runner.errors import JailFailed
from sandbox_runner.isolation.policy import PROGRAM
from sandbox_runner.jails.jail import Jail, JailFactory
from sandbox_runner.jails.process_tree import proportional_bytes
from sandbox_runner.language_servers.framing import MessageReader, framed
from sandbox_runner.language_servers.workspace import Workspace

_MEGABYTE = 1024 * 1024
MEMORY_MB = 256
"""What one program may occupy; measured: about 50 MB for an app of some files, 20 MB for ruff."""
MAX_MESSAGE_BYTES = 4 * _MEGABYTE
_READ_BYTES = 1 << 16
_SAMPLE_SECONDS = 1.0
_SEND_SECONDS = 20.0
_THREADS = 2
_OWN_PROCESSES = 2
_LIMITS = {
    # Of address space that is reserved, of which the threads' stacks are most; what is occupied is counted below.
    "memory_mb": 2 * MEMORY_MB,
    # A day of writing needs seconds.
    "cpu_seconds": 600,
    "file_size_mb": 1,
    "processes": 64,
}


class JailedServer:
    """Represents a started program that speaks the protocol; `start` makes one, `close` ends it."""

    def __init__(self, jail: Jail) -> None:
        self._jail = jail

    @classmethod
    async def start(
        cls, factory: JailFactory, arguments: Sequence[str], *, lay_out: Callable[[Path], object] | None = None
    ) -> "JailedServer":
        """Starts the policy's program in a jail; `lay_out` fills its bundle. Raises JailFailed, OSError."""
        jail = await factory.start(preload=False)
        try:
            if lay_out is not None:
                await asyncio.to_thread(lay_out, jail.bundle_directory)
            if jail.cgroup is not None:
                jail.cgroup.limit(memory_bytes=MEMORY_MB * _MEGABYTE, processes=_LIMITS["processes"] + _OWN_PROCESSES)
            await jail.control.send(_order(arguments, work=jail.policy.inside.work))
        except BaseException:
            await jail.destroy()
            raise
        return cls(jail)

    async def send(self, message: str) -> None:
        """Sends a message; raises OSError when the program is gone, TimeoutError when it is stuck."""
        async with asyncio.timeout(_SEND_SECONDS):
            await self._jail.control.send_bytes(framed(message))

    async def forward(self, receiver: Callable[[str], Awaitable[None]]) -> None:
        """Calls `receiver` with each message of the program until it ends; raises FramingBroken."""
        reader = MessageReader(max_bytes=MAX_MESSAGE_BYTES)
        while data := await self._jail.control.receive_bytes(max_bytes=_READ_BYTES):
            for message in reader.feed(data):
                await receiver(message)

    async def until_over_memory(self) -> None:
        """Returns once the program occupies more memory than it may. Where the kernel limits it, that ends it."""
        while True:
            await asyncio.sleep(_SAMPLE_SECONDS)
            if self._jail.usage().resident_bytes <= MEMORY_MB * _MEGABYTE:
                continue
            if await asyncio.to_thread(proportional_bytes, self._jail.root_pid) > MEMORY_MB * _MEGABYTE:
                return

    @property
    def root_pid(self) -> int:
        """Returns the host's id of the process that all others of the jail descend from."""
        return self._jail.root_pid

    async def close(self) -> None:
        """Ends all processes of the jail and removes its files."""
        with contextlib.suppress(JailFailed):
            await self._jail.destroy()


@dataclass(frozen=True, slots=True)
class LanguageServer:
    """Holds a started pyrefly and the workspace with the app's source that it reads."""

    program: JailedServer
    workspace: Workspace

    @classmethod
    async def start(cls, factory: JailFactory, files: Mapping[str, str | None]) -> "LanguageServer":
        """Starts it with `files` in its workspace; raises JailFailed, OSError, BundleRefused."""
        laid_out: list[Workspace] = []

        def lay_out(directory: Path) -> None:
            laid_out.append(Workspace(directory, site=Path(factory.policy.host.site)))
            laid_out[0].apply(files)

        program = await JailedServer.start(factory, ("lsp", "--threads", str(_THREADS)), lay_out=lay_out)
        return cls(program, laid_out[0])

    async def update(self, files: Mapping[str, str | None]) -> None:
        """Changes files of the workspace; the language server hears of it by a message of the control plane."""
        await asyncio.to_thread(self.workspace.apply, files)


def _order(arguments: Sequence[str], *, work: str) -> dict[str, object]:
    """Returns the message that makes the harness the program."""
    return {
        "program": [PROGRAM, *arguments],
        "environment": {
            "HOME": work,
            "TMPDIR": work,
            "LANG": "C.UTF-8",
            # Also for threads outside of its pool, whose number follows the machine's processors.
            "RAYON_NUM_THREADS": str(_THREADS),
        },
        "limits": _LIMITS,
    }
