"""Sends a run's log lines to the control plane: in order, in batches, with limited memory.

Only one request is open at a time; lines that arrive meanwhile form the next batch. So the first line is sent
immediately, and the lines of a script that prints much in large batches.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

import structlog

from sandbox_runner.backoff import Backoff
from sandbox_runner.control_plane import ControlPlane
from sandbox_runner.errors import ControlPlaneError, ControlPlaneUnreachable, LeaseLost
from sandbox_runner.protocol import LogLine

log = structlog.stdlib.get_logger()

_FULL_CHARACTERS = 1_000_000
_FULL_LINES = 5_000
_BATCH_LINES = 500
_BATCH_CHARACTERS = 500_000


class LogSender:
    """Receives and sends the lines of a run. `lost` is set when the control plane reports that the lease is lost."""

    def __init__(self, control_plane: ControlPlane, *, run_id: int, fence: int) -> None:
        self.lost = asyncio.Event()
        self._control_plane = control_plane
        self._run_id = run_id
        self._fence = fence
        self._lines: deque[LogLine] = deque()
        self._characters = 0
        self._arrived = asyncio.Event()
        self._closing = False
        self._waiting: Callable[[], None] | None = None
        self._task = asyncio.create_task(self._send_all())

    def put(self, line: LogLine) -> None:
        """Queues a line."""
        self._lines.append(line)
        self._characters += len(line.text)
        self._arrived.set()

    @property
    def is_full(self) -> bool:
        """Tells whether so many lines are queued that the script should wait."""
        return self._characters > _FULL_CHARACTERS or len(self._lines) > _FULL_LINES

    def on_room(self, resume: Callable[[], None]) -> None:
        """Calls `resume` once, when there is room again."""
        self._waiting = resume

    async def close(self) -> None:
        """Waits until all lines are sent, or the lease is lost."""
        self._waiting = None
        self._closing = True
        self._arrived.set()
        await self._task

    async def abandon(self) -> None:
        """Stops sending and drops unsent lines."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _send_all(self) -> None:
        backoff = Backoff()
        while not (self._closing and not self._lines):
            if not self._lines:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            batch = self._next_batch()
            while not await self._sent(batch):
                if self.lost.is_set():
                    self._drop_all()
                    return
                await asyncio.sleep(backoff.seconds())
            backoff.reset()
            self._forget(batch)

    async def _sent(self, batch: list[LogLine]) -> bool:
        try:
            await self._control_plane.logs(self._run_id, self._fence, batch)
        except ControlPlaneUnreachable:
            return False
        except LeaseLost:
            self.lost.set()
            return False
        except ControlPlaneError as error:
            # The batch would be refused again, so it is dropped; the run continues.
            log.error("logs.refused", run_id=self._run_id, lines=len(batch), reason=str(error))
        return True

    def _next_batch(self) -> list[LogLine]:
        batch: list[LogLine] = []
        characters = 0
        for line in self._lines:
            if batch and (len(batch) >= _BATCH_LINES or characters + len(line.text) > _BATCH_CHARACTERS):
                break
            batch.append(line)
            characters += len(line.text)
        return batch

    def _forget(self, batch: list[LogLine]) -> None:
        for line in batch:
            self._lines.popleft()
            self._characters -= len(line.text)
        if self._waiting is not None and not self.is_full:
            resume, self._waiting = self._waiting, None
            resume()

    def _drop_all(self) -> None:
        self._lines.clear()
        self._characters = 0
        if self._waiting is not None:
            resume, self._waiting = self._waiting, None
            resume()
