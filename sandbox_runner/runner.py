"""Implements the runner: claims runs, renews their leases, executes them, and stops gracefully."""

import asyncio
import contextlib
import os
import shutil
import socket
import time
from pathlib import Path

import structlog

from sandbox_runner.backoff import Backoff
from sandbox_runner.bundles import BundleStore
from sandbox_runner.control_plane import ControlPlane
from sandbox_runner.errors import ControlPlaneError, ControlPlaneUnreachable, JailFailed
from sandbox_runner.execution import Execution
from sandbox_runner.isolation.policy import PRELOADED
from sandbox_runner.jails.pool import JailPool
from sandbox_runner.jails.probe import choose_isolation, open_workshop
from sandbox_runner.language_servers.service import LanguageServers
from sandbox_runner.protocol import Claim
from sandbox_runner.settings import RunnerSettings
from sandbox_runner.supervision import CANCELLED_BY_REQUEST, RUNNER_STOPPED

log = structlog.stdlib.get_logger()

_CLAIM_WAIT_SECONDS = 25.0
_HEARTBEAT_SECONDS = 1.0
_UNREACHABLE_SECONDS = 60.0
_STOP_SECONDS = 6.0


class Runner:
    """Represents a runner process. `run` returns after `stop` was called and everything is cleaned up.

    `site` is a site directory for jails to use instead of building one; `preload` are the modules that jails import
    before they get a run.
    """

    def __init__(
        self, settings: RunnerSettings, *, site: Path | None = None, preload: tuple[str, ...] = PRELOADED
    ) -> None:
        self._settings = settings
        self._site = site
        self._preload = preload
        self._stopping = asyncio.Event()
        self._executions: dict[tuple[int, int], Execution] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._jails_fail_until = 0.0
        self._jail_backoff = Backoff(first_wait=1, max_wait=30)
        self.runner_id = f"{socket.gethostname()}-{os.getpid()}-{os.urandom(3).hex()}"

    def stop(self) -> None:
        """Stops claiming, releases runs that have not started, and gives the others time to end."""
        self._stopping.set()

    async def run(self) -> None:
        """Works until `stop` is called; raises IsolationUnavailable when user code cannot be isolated."""
        settings = self._settings
        workshop = open_workshop(settings.state_directory, site=self._site, preload=self._preload)
        try:
            factory = await choose_isolation(workshop, settings.isolation)
            async with ControlPlane(settings.server, settings.token, runner_id=self.runner_id) as control_plane:
                self._control_plane = control_plane
                self._isolation = factory.policy.level
                self._runs_as_root = factory.runs_as_root
                self._bundles = BundleStore(workshop.directory / "bundles")
                self._language_servers = LanguageServers(control_plane, factory, limit=settings.language_servers)
                self._pool = JailPool(factory, size=min(settings.ready_jails, settings.concurrency))
                log.info("runner.ready", runner_id=self.runner_id, isolation=self._isolation, server=settings.server)
                try:
                    await self._work()
                finally:
                    await self._pool.close()
        finally:
            workshop.close()
            shutil.rmtree(workshop.directory, ignore_errors=True)
            log.info("runner.stopped", runner_id=self.runner_id)

    async def _work(self) -> None:
        heartbeat = asyncio.create_task(self._keep_leases())
        claiming = asyncio.create_task(self._claim_for_ever())
        stopping = asyncio.create_task(self._stopping.wait())
        language_servers = asyncio.create_task(self._language_servers.serve())
        try:
            await asyncio.wait({claiming, stopping}, return_when=asyncio.FIRST_COMPLETED)
            claiming.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await claiming
            await self._end_runs()
        finally:
            for task in (heartbeat, claiming, stopping, language_servers):
                task.cancel()
            await asyncio.gather(heartbeat, claiming, stopping, language_servers, return_exceptions=True)

    async def _claim_for_ever(self) -> None:
        backoff = Backoff()
        while True:
            await self._wait_for_room()
            free = self._settings.concurrency - len(self._executions)
            try:
                claims = await self._control_plane.claim(
                    slots=free,
                    isolation=self._isolation,
                    runs_as_root=self._runs_as_root,
                    wait_seconds=_CLAIM_WAIT_SECONDS,
                )
            except ControlPlaneError as error:
                wait = backoff.seconds()
                level = "info" if isinstance(error, ControlPlaneUnreachable) else "error"
                getattr(log, level)("claim.failed", reason=str(error), retry_in=round(wait, 2))
                await asyncio.sleep(wait)
                continue
            backoff.reset()
            for claim in claims:
                self._begin(claim)

    async def _wait_for_room(self) -> None:
        """Waits until a run can be executed: a slot is free and jails can be started."""
        if (pause := self._jails_fail_until - time.monotonic()) > 0:
            await asyncio.sleep(pause)
        while len(self._executions) >= self._settings.concurrency:
            self._changed.clear()
            await self._changed.wait()

    def _begin(self, claim: Claim) -> None:
        log.info("run.claimed", run_id=claim.run_id, fence=claim.fence, task_id=claim.task_id)
        execution = Execution(claim, control_plane=self._control_plane, bundles=self._bundles, pool=self._pool)
        self._executions[claim.run_id, claim.fence] = execution
        task = asyncio.create_task(self._execute(execution))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _execute(self, execution: Execution) -> None:
        try:
            await execution.run()
            self._jail_backoff.reset()
        except JailFailed as error:
            pause = self._jail_backoff.seconds()
            self._jails_fail_until = time.monotonic() + pause
            log.error("jail.failed", reason=str(error), claiming_again_in=round(pause, 1))
        finally:
            self._executions.pop((execution.claim.run_id, execution.claim.fence), None)
            self._changed.set()

    async def _keep_leases(self) -> None:
        answered = time.monotonic()
        while True:
            interval = min((item.claim.lease_seconds / 3 for item in self._executions.values()), default=1.0)
            await asyncio.sleep(min(interval, _HEARTBEAT_SECONDS))
            executions = list(self._executions.values())
            if not executions:
                answered = time.monotonic()
                continue
            try:
                await self._heartbeat(executions)
                answered = time.monotonic()
            except ControlPlaneError as error:
                log.info("heartbeat.failed", reason=str(error), runs=len(executions))
                if time.monotonic() - answered > _UNREACHABLE_SECONDS:
                    # By now the leases have expired and others may run them: going on could do the work twice.
                    for execution in executions:
                        execution.lose()

    async def _heartbeat(self, executions: list[Execution]) -> None:
        runs = [(execution.claim.run_id, execution.claim.fence) for execution in executions]
        replies = await self._control_plane.heartbeat(runs)
        by_run = {reply.run_id: reply for reply in replies}
        for execution in executions:
            reply = by_run.get(execution.claim.run_id)
            if reply is None or not reply.held:
                execution.lose()
            elif reply.cancel:
                execution.cancellation.request(CANCELLED_BY_REQUEST)

    async def _end_runs(self) -> None:
        """Releases runs that have not started, gives the others time to end, then ends them."""
        log.info("runner.stopping", runs=len(self._executions))
        for execution in self._executions.values():
            execution.withdraw()
        if not self._tasks:
            return
        await asyncio.wait(self._tasks, timeout=self._settings.shutdown_seconds)
        for execution in self._executions.values():
            execution.cancellation.request(RUNNER_STOPPED)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_STOP_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
