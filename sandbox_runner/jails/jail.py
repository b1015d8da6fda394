"""Implements jails: isolated processes, each used for one run and never again."""

import asyncio
import contextlib
import os
import resource
import shutil
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from sandbox_runner.errors import JailFailed
from sandbox_runner.isolation.cgroups import Cgroups, JailCgroup
from sandbox_runner.isolation.host import reachable_by_others
from sandbox_runner.isolation.identities import UserIds
from sandbox_runner.isolation.policy import IsolationLevel, JailPaths, JailPolicy
from sandbox_runner.jails.channel import ChannelBroken, ControlChannel, receive_with_descriptors
from sandbox_runner.jails.process_tree import TreeUsage, descendants, tree_usage
from sandbox_runner.jails.spawning import SpawnedJail, Spawner, failure, spawn

_READY_SECONDS = 60.0
_DEATH_SECONDS = 5.0
_READY_MESSAGE_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Exit:
    """Holds the exit status of the jail's process, as in a shell (128 + signal), and the resources it used."""

    status: int
    cpu_seconds: float
    max_rss_kb: int


class Jail:
    """Represents a started and sealed jail that waits for its run; JailFactory creates it, `destroy` ends it."""

    def __init__(
        self,
        spawned: SpawnedJail,
        *,
        policy: JailPolicy,
        cgroup: JailCgroup | None,
        listener: socket.socket | None,
        cpu_seconds: float,
        on_destroyed: Callable[[], Awaitable[None]],
    ) -> None:
        self.policy = policy
        self.cgroup = cgroup
        self.control = ControlChannel(spawned.control)
        self.output = spawned.output
        self.stdout: IO[bytes] = spawned.stdout
        self.stderr: IO[bytes] = spawned.stderr
        self.listener = listener
        self.dispenser = spawned.dispenser
        self.cpu_seconds_before = cpu_seconds
        self.exited: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        self._process = spawned.process
        self._init_pid = spawned.init_pid
        self._init = os.pidfd_open(spawned.init_pid)
        self._status = spawned.status
        self._used_when_killed = TreeUsage(0, 0.0, 0)
        self._on_destroyed = on_destroyed
        self._watched = os.pidfd_open(spawned.process.pid)
        asyncio.get_running_loop().add_reader(self._watched, self._reap)

    @property
    def bundle_directory(self) -> Path:
        """Returns the directory for the source tree, as a path of the host."""
        return Path(self.policy.host.bundle)

    @property
    def is_alive(self) -> bool:
        """Tells whether the jail can get a run."""
        return not self.exited.done()

    def usage(self) -> TreeUsage:
        """Returns the resources that the jail uses now; CPU time of its start-up is not counted."""
        used = tree_usage(self._init_pid)
        return replace(used, cpu_seconds=max(0.0, used.cpu_seconds - self.cpu_seconds_before))

    @property
    def root_pid(self) -> int:
        """Returns the host's id of the process that all others of the jail descend from."""
        return self._init_pid

    def terminate(self) -> None:
        """Sends SIGTERM to the process with user code, which may still clean up."""
        target = self._init_pid
        if self.policy.level is IsolationLevel.BUBBLEWRAP:
            # Process 1 of the namespace is bwrap's reaper; user code is its child.
            target = next(descendants(self._init_pid), self._init_pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(target, signal.SIGTERM)

    async def destroy(self) -> Exit:
        """Kills all processes of the jail, waits until they are gone, and removes its directories and cgroup."""
        self.kill()
        ended = await self.gone()
        await self._forget()
        return ended

    async def gone(self) -> Exit:
        """Waits, after `kill`, until no process of the jail is left."""
        try:
            async with asyncio.timeout(_DEATH_SECONDS):
                ended = await asyncio.shield(self.exited)
        except TimeoutError:
            self._process.kill()
            ended = await asyncio.shield(self.exited)
        return replace(
            ended,
            cpu_seconds=max(ended.cpu_seconds, self._used_when_killed.cpu_seconds),
            max_rss_kb=max(ended.max_rss_kb, self._used_when_killed.resident_bytes // 1024),
        )

    def kill(self) -> None:
        """Sends SIGKILL to all processes of the jail."""
        if self.is_alive:
            # The final account of process 1 does not include processes that end with their namespace.
            self._used_when_killed = self.usage()
        if self.policy.level is IsolationLevel.NONE:
            for member in descendants(self._init_pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(member, signal.SIGKILL)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._init_pid, signal.SIGKILL)
        # In a process namespace the kernel ends all processes with process 1.
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._init, signal.SIGKILL)
        if self.cgroup is not None:
            self.cgroup.kill_all()

    def _reap(self) -> None:
        asyncio.get_running_loop().remove_reader(self._watched)
        _, status, used = os.wait4(self._process.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        self._process.returncode = code
        self.exited.set_result(self._exit(128 - code if code < 0 else code, used))

    def _exit(self, status: int, used: resource.struct_rusage) -> Exit:
        peak = self.cgroup.peak_memory() if self.cgroup is not None else None
        return Exit(
            status,
            max(0.0, used.ru_utime + used.ru_stime - self.cpu_seconds_before),
            peak // 1024 if peak is not None else used.ru_maxrss,
        )

    async def _forget(self) -> None:
        os.close(self._watched)
        os.close(self._init)
        self.control.close()
        for handle in (self.output, self.stdout, self.stderr, self.listener, self.dispenser, self._status):
            if handle is not None:
                handle.close()
        await self._on_destroyed()


class JailFactory:
    """Starts jails with one policy, each with its own directories, user and control group.

    `directory` is the parent of the jails' directories on the host; `policy.host` has the paths of harness and site,
    its other paths are set per jail.
    """

    def __init__(
        self,
        policy: JailPolicy,
        *,
        directory: Path,
        spawner: Spawner,
        user_ids: UserIds | None,
        cgroups: Cgroups | None,
        landlock_abi: int,
    ) -> None:
        self.policy = policy
        self._directory = directory
        self._spawner = spawner
        self._user_ids = user_ids if self._can_change_user() else None
        self._cgroups = cgroups
        self._landlock_abi = landlock_abi
        self._number = 0

    def with_policy(self, policy: JailPolicy) -> "JailFactory":
        """Returns a factory of jails with another policy, which takes from the same users and control groups."""
        return JailFactory(
            policy,
            directory=self._directory,
            spawner=self._spawner,
            user_ids=self._user_ids,
            cgroups=self._cgroups,
            landlock_abi=self._landlock_abi,
        )

    @property
    def changes_user(self) -> bool:
        """Tells whether each jail runs as its own unprivileged user."""
        return self._user_ids is not None

    @property
    def runs_as_root(self) -> bool:
        """Tells whether code in the jails has the user id 0, for want of a user that reaches what it needs."""
        return os.geteuid() == 0 and not self.changes_user

    async def start(self, *, preload: bool = True) -> Jail:
        """Starts a jail and waits until it is sealed and has preloaded its libraries; raises JailFailed."""
        self._number += 1
        home = self._directory / f"{self._number}-{os.urandom(8).hex()}"
        user_id = self._user_ids.take() if self._user_ids is not None else None
        try:
            policy = self._policy_in(home, user_id)
            if not preload:
                policy = replace(policy, preload=())
            cgroup = self._cgroups.create(home.name) if self._cgroups is not None else None
        except OSError as error:
            if self._user_ids is not None and user_id is not None:
                self._user_ids.release(user_id)
            shutil.rmtree(home, ignore_errors=True)
            raise JailFailed(f"the jail's {error.filename} cannot be created: {error.strerror}") from error

        async def forget() -> None:
            await asyncio.to_thread(shutil.rmtree, home, ignore_errors=True)
            if cgroup is not None:
                await _remove(cgroup)
            if self._user_ids is not None and user_id is not None:
                self._user_ids.release(user_id)

        # A start is always completed: if it were cancelled half-way, it would leave processes behind.
        return await _uninterrupted(self._start(policy, cgroup, forget))

    async def _start(
        self, policy: JailPolicy, cgroup: JailCgroup | None, forget: Callable[[], Awaitable[None]]
    ) -> Jail:
        loop = asyncio.get_running_loop()
        try:
            spawned = await loop.run_in_executor(self._spawner.executor, self._spawn, policy, cgroup)
        except BaseException:
            await forget()
            raise
        return await self._until_ready(spawned, policy, cgroup, forget)

    def _can_change_user(self) -> bool:
        """Tells whether jails can run as another user, who must be able to reach Python or have it mounted."""
        if self.policy.level is IsolationLevel.BUBBLEWRAP and not self.policy.own_user_namespace:
            return True
        if self.policy.level is IsolationLevel.NONE:
            return False
        needed = [*self.policy.python.directories, self.policy.python.executable, str(self._directory / "jail")]
        return all(reachable_by_others(path) for path in needed)

    def _policy_in(self, home: Path, user_id: int | None) -> JailPolicy:
        host = self.policy.host
        paths = JailPaths(harness=host.harness, site=host.site, bundle=str(home / "bundle"), work=str(home / "work"))
        for path, mode in ((home, 0o711), (home / "bundle", 0o755), (home / "work", 0o700)):
            path.mkdir()
            path.chmod(mode)
        if user_id is not None:
            os.chown(home / "work", user_id, user_id)
        return replace(self.policy, host=paths, user_id=user_id)

    def _spawn(self, policy: JailPolicy, cgroup: JailCgroup | None) -> SpawnedJail:
        return spawn(policy, cgroup=cgroup, landlock_abi=self._landlock_abi)

    async def _until_ready(
        self,
        spawned: SpawnedJail,
        policy: JailPolicy,
        cgroup: JailCgroup | None,
        forget: Callable[[], Awaitable[None]],
    ) -> Jail:
        try:
            ready, descriptors = await asyncio.to_thread(_first_message, spawned)
            listener = socket.socket(fileno=descriptors[0]) if descriptors else None
            if ready.get("kind") != "ready" or ready.get("breaches") != []:
                raise JailFailed(f"the jail is not sealed: {ready.get('breaches')}")
        except BaseException as error:
            why = failure(spawned.process, "the jail did not become ready")
            for handle in (spawned.control, spawned.output, spawned.dispenser, spawned.status):
                if handle is not None:
                    handle.close()
            await forget()
            raise (error if isinstance(error, JailFailed) else why) from error
        if listener is not None:
            listener.setblocking(False)
        return Jail(
            spawned,
            policy=policy,
            cgroup=cgroup,
            listener=listener,
            cpu_seconds=float(ready["cpu_seconds"]),
            on_destroyed=forget,
        )


def _first_message(spawned: SpawnedJail) -> tuple[dict[str, Any], list[int]]:
    spawned.control.settimeout(_READY_SECONDS)
    try:
        return receive_with_descriptors(spawned.control, max_bytes=_READY_MESSAGE_BYTES)
    except (OSError, ChannelBroken) as error:
        raise TimeoutError("no sign of readiness") from error


async def _uninterrupted(start: Coroutine[Any, Any, Jail]) -> Jail:
    """Waits for a jail to start, even when cancelled, so that a cancelled start does not leave a jail behind."""
    starting = asyncio.create_task(start)
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await asyncio.wait({starting})
        if not starting.cancelled() and starting.exception() is None:
            await starting.result().destroy()
        raise


async def _remove(cgroup: JailCgroup) -> None:
    """Removes a control group, which the kernel permits only a moment after its last process is gone."""
    for _ in range(100):
        if cgroup.remove():
            return
        await asyncio.sleep(0.02)
