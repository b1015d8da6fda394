"""Manages a child process: starts it, watches it through a pidfd, restarts it when it dies, stops it.

Children are started from the main thread only: the signal that ends them with the supervisor is tied to the
*thread* that started them.
"""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from platform_api.supervisor.processes.identity import die_with_parent

log = structlog.stdlib.get_logger()

_MIN_DELAY = 0.1
_MAX_DELAY = 10.0
# A child that lived this many seconds was healthy: after its next death the delay starts small again.
_HEALTHY_AFTER = 30.0
_ERROR_GRACE_SECONDS = 0.5


REPORTED = 78
"""The status with which a child ends that has told the reason: EX_CONFIG of sysexits.h."""


class ChildError(RuntimeError):
    """Reports that a child died before it was ready for the first time."""


class ChildRefused(ChildError):
    """Reports that a child ended before it was ready, and wrote why to standard error itself."""


@dataclass(slots=True)
class Child:
    """Describes one kind of child and holds its current process.

    `start` returns a new process; `wait_ready` returns when it does its work (and may raise when it never will).
    `stop_signal` asks it to end; after `stop_seconds` it is killed.
    """

    name: str
    start: Callable[[], Awaitable[subprocess.Popen[bytes]]]
    wait_ready: Callable[[], Awaitable[None]]
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    process: subprocess.Popen[bytes] | None = None
    _started: float = 0.0
    _delay: float = field(default=_MIN_DELAY)

    async def begin(self) -> None:
        """Starts the child, which `first_start` then waits for."""
        await self._start()

    async def first_start(self) -> None:
        """Waits until the child, started now unless it has begun, is ready. Raises ChildError when it dies before."""
        process = self.process or await self._start()
        ready = asyncio.ensure_future(self.wait_ready())
        ended = asyncio.ensure_future(wait_end(process))
        try:
            await asyncio.wait({ready, ended}, return_when=asyncio.FIRST_COMPLETED)
            # The check for readiness may know more about the end than the exit status does.
            await asyncio.wait({ready}, timeout=_ERROR_GRACE_SECONDS)
            if not ready.done():
                if process.poll() == REPORTED:
                    raise ChildRefused(f"{self.name} refused to start")
                raise ChildError(f"{self.name} {describe_end(process)} before it was ready")
            await ready
        finally:
            for task in (ready, ended):
                task.cancel()
            await asyncio.gather(ready, ended, return_exceptions=True)

    async def keep_running(self) -> None:
        """Starts the child again whenever it dies. Ends only by cancellation."""
        while True:
            if self.process is not None:
                await wait_end(self.process)
                if time.monotonic() - self._started > _HEALTHY_AFTER:
                    self._delay = _MIN_DELAY
                log.warning(
                    "child.ended", child=self.name, reason=describe_end(self.process), restart_in_seconds=self._delay
                )
            await asyncio.sleep(self._delay)
            self._delay = min(self._delay * 2, _MAX_DELAY)
            try:
                await self._start()
                await self._ready_or_ended()
            except Exception as error:  # whatever it was, a supervisor tries again
                log.error("child.not_started", child=self.name, error=str(error))

    async def _ready_or_ended(self) -> None:
        assert self.process is not None
        ready = asyncio.ensure_future(self.wait_ready())
        ended = asyncio.ensure_future(wait_end(self.process))
        try:
            await asyncio.wait({ready, ended}, return_when=asyncio.FIRST_COMPLETED)
            if ready.done() and ready.exception() is None:
                log.info("child.restarted", child=self.name, pid=self.process.pid)
        finally:
            for task in (ready, ended):
                task.cancel()
            await asyncio.gather(ready, ended, return_exceptions=True)

    async def _start(self) -> subprocess.Popen[bytes]:
        self._started = time.monotonic()
        self.process = await self.start()
        return self.process

    async def stop(self) -> None:
        """Asks the child to end and waits; kills it (and its session) when it takes too long."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            await asyncio.wait_for(wait_end(self.process), self.stop_seconds)
        except TimeoutError:
            log.warning("child.killed", child=self.name, after_seconds=self.stop_seconds)
            self.kill()
            await wait_end(self.process)

    def kill(self) -> None:
        """Kills the child's whole session at once."""
        if self.process is None or self.process.poll() is not None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            self.process.kill()


def spawn(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    working_directory: Path,
    inherited_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Starts a process that dies with us, in a session of its own, so that Ctrl-C reaches only the supervisor."""
    parent = os.getpid()
    return subprocess.Popen(
        command,
        env=environment,
        cwd=working_directory,
        stdin=subprocess.DEVNULL,
        # The supervisor's standard output carries the one line that others wait for; children log.
        stdout=2,
        start_new_session=True,
        pass_fds=inherited_fds,
        preexec_fn=lambda: die_with_parent(parent, signal.SIGKILL),
    )


async def wait_end(process: subprocess.Popen[bytes]) -> None:
    """Returns when the process has ended; costs nothing while it lives."""
    if process.poll() is not None:
        return
    descriptor = os.pidfd_open(process.pid)
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    process.wait()


def describe_end(process: subprocess.Popen[bytes]) -> str:
    """Says in words how a process ended."""
    status = process.poll()
    if status is None:
        return "is running"
    if status < 0:
        try:
            return f"was ended by {signal.Signals(-status).name}"
        except ValueError:
            return f"was ended by signal {-status}"
    return f"ended with status {status}"
