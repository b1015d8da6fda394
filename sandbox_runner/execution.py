"""Executes a claimed run, from the claim to the reported outcome."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import structlog

from sandbox_runner.backoff import Backoff
from sandbox_runner.broker.broker import RunBroker
from sandbox_runner.bundles import BundleStore
from sandbox_runner.control_plane import ControlPlane
from sandbox_runner.errors import (
    BundleRefused,
    ControlPlaneError,
    ControlPlaneUnreachable,
    JailFailed,
    LeaseLost,
)
from sandbox_runner.isolation.policy import IsolationLevel
from sandbox_runner.jails.jail import Jail
from sandbox_runner.jails.pool import JailPool
from sandbox_runner.jails.spawning import BROKER_PORT
from sandbox_runner.protocol import Cause, Claim, Outcome
from sandbox_runner.reports.log_sender import LogSender
from sandbox_runner.reports.output import RunOutput
from sandbox_runner.supervision import Cancellation, Verdict, supervise

_T = TypeVar("_T")

log = structlog.stdlib.get_logger()

_BROKER_URL = f"http://127.0.0.1:{BROKER_PORT}"
_LEASE_LOST = Verdict("stopped", Cause.RUNNER_LOST, "the lease was lost")


class Execution:
    """Executes a run that this runner holds; `has_started` is true once user code may have run."""

    def __init__(self, claim: Claim, *, control_plane: ControlPlane, bundles: BundleStore, pool: JailPool) -> None:
        self.claim = claim
        self.cancellation = Cancellation()
        self.has_started = False
        self.is_lost = False
        self._is_withdrawn = False
        self._control_plane = control_plane
        self._bundles = bundles
        self._pool = pool

    def lose(self) -> None:
        """Ends a run whose lease was lost, without reporting an outcome."""
        self.is_lost = True
        self.cancellation.request(_LEASE_LOST)

    def withdraw(self) -> None:
        """Releases the run if it has not started, because the runner is stopping."""
        self._is_withdrawn = True

    async def run(self) -> None:
        """Executes the run and reports its outcome; releases it and raises JailFailed when no jail can be started."""
        bound = {"run_id": self.claim.run_id, "fence": self.claim.fence}
        if not await self._fetch_bundle():
            return
        try:
            jail = await self._pool.take()
        except JailFailed:
            await self._release()
            raise
        if self._is_withdrawn:
            self._pool.release(jail)
            await self._release()
            return
        try:
            await self._with_retries(lambda: self._control_plane.start(self.claim.run_id, self.claim.fence))
        except ControlPlaneError as error:
            log.info("run.not_started", reason=str(error), **bound)
            self._pool.release(jail)
            return
        self.has_started = True
        outcome = await self._outcome(jail)
        log.info("run.ended", status=outcome.status, cause=outcome.cause, **outcome.usage.model_dump(), **bound)
        if not self.is_lost:
            await self._finish(outcome)

    async def _outcome(self, jail: Jail) -> Outcome:
        claim = self.claim
        sender = LogSender(self._control_plane, run_id=claim.run_id, fence=claim.fence)
        output = RunOutput(sender, limit_bytes=claim.limits.output_kb * 1024)
        broker = RunBroker(
            self._control_plane.session,
            base_url=self._control_plane.base_url,
            run_token=claim.run_token,
            run_id=claim.run_id,
        )
        lost = asyncio.create_task(self._watch_lost(sender))
        try:
            linked = jail.policy.level is not IsolationLevel.NONE
            self._bundles.place(claim.bundle, jail.bundle_directory, linked=linked)
            if jail.listener is not None:
                await broker.serve_listener(jail.listener)
            elif jail.dispenser is not None:
                broker.serve_dispenser(jail.dispenser)
            outcome = await supervise(
                jail,
                self._message(work=jail.policy.inside.work),
                limits=claim.limits,
                output=output,
                cancellation=self.cancellation,
            )
        except Exception as error:
            # An error of the runner must end the run now, not when its lease expires.
            log.exception("run.failed_in_runner", run_id=claim.run_id)
            outcome = _runner_error(f"the runner failed to execute the run ({type(error).__name__})")
        finally:
            await broker.close()
            await jail.destroy()
            lost.cancel()
        if outcome.error is not None and outcome.cause not in (Cause.EXCEPTION, Cause.SYNTAX_ERROR):
            output.system(outcome.error)
        await (sender.abandon() if self.is_lost else sender.close())
        return outcome

    def _message(self, *, work: str) -> dict[str, Any]:
        """Returns the message to the harness: environment, entry, event, limits."""
        claim = self.claim
        token = claim.run_token.get_secret_value()
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": work,
            "TMPDIR": work,
            "USER": "sandbox",
            "LANG": "C.UTF-8",
            "MALLOC_ARENA_MAX": "2",
            **claim.environment,
            "API_BASE_URL": _BROKER_URL,
            "PUBLIC_API_BASE_URL": _BROKER_URL,
            "APP_TOKEN": token,
            "CACHE_SERVICE_URL": f"{_BROKER_URL}/cache",
            "CACHE_SERVICE_TOKEN": token,
        }
        return {
            "kind": "run",
            "entry": claim.entry,
            "environment": environment,
            "event": claim.event,
            "limits": claim.limits.model_dump(),
        }

    async def _fetch_bundle(self) -> bool:
        """Fetches the source tree; returns False after ending the run when it is not available."""
        digest = self.claim.bundle
        if self._bundles.has(digest):
            return True
        try:
            files = await self._with_retries(lambda: self._control_plane.bundle(digest))
            self._bundles.keep(digest, files)
        except LeaseLost as error:
            log.info("run.lost", run_id=self.claim.run_id, fence=self.claim.fence, reason=str(error))
            return False
        except (BundleRefused, ControlPlaneError) as error:
            await self._finish(_runner_error(f"the app's source tree cannot be used: {error}"))
            return False
        return True

    async def _watch_lost(self, sender: LogSender) -> None:
        await sender.lost.wait()
        self.lose()

    async def _finish(self, outcome: Outcome) -> None:
        run_id, fence = self.claim.run_id, self.claim.fence
        try:
            await self._with_retries(lambda: self._control_plane.finish(run_id, fence, outcome))
        except LeaseLost as error:
            log.info("run.lost", run_id=run_id, fence=fence, reason=str(error))
        except ControlPlaneError as error:
            log.error("run.finish_refused", run_id=run_id, fence=fence, reason=str(error))
            replacement = _runner_error(f"the platform did not accept the run's result: {error}")
            if outcome.cause is not Cause.RUNNER_ERROR:
                await self._finish(replacement)

    async def _release(self) -> None:
        try:
            await self._control_plane.release([(self.claim.run_id, self.claim.fence)])
        except ControlPlaneError as error:
            # The lease expires, and then the run can be claimed again.
            log.warning("run.release_failed", run_id=self.claim.run_id, reason=str(error))

    async def _with_retries(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """Repeats a call while the control plane is unreachable, until it answers or the lease is lost."""
        backoff = Backoff()
        while True:
            try:
                return await call()
            except ControlPlaneUnreachable as error:
                if self.is_lost:
                    raise LeaseLost(str(error)) from error
                await asyncio.sleep(backoff.seconds())


def _runner_error(message: str) -> Outcome:
    return Outcome(status="failed", cause=Cause.RUNNER_ERROR, error=message)
