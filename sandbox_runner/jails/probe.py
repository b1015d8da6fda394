"""Finds the isolation level that works on this machine, by starting a jail with it."""

import ctypes
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from sandbox_runner.errors import IsolationUnavailable, JailFailed, SandboxError
from sandbox_runner.isolation.cgroups import Cgroups, open_cgroups
from sandbox_runner.isolation.host import python_installation, reachable_by_others, system_files
from sandbox_runner.isolation.identities import UserIds, user_ids_of_this_runner
from sandbox_runner.isolation.landlock import MINIMUM_ABI
from sandbox_runner.isolation.policy import PRELOADED, IsolationLevel, JailPaths, JailPolicy
from sandbox_runner.jails.content import prepare_harness, prepare_site, private_directory
from sandbox_runner.jails.jail import JailFactory
from sandbox_runner.jails.leftovers import clear_leftovers, jails_directory
from sandbox_runner.jails.own_python import is_reachable, reachable_copy
from sandbox_runner.jails.spawning import Spawner
from sandbox_runner.settings import IsolationChoice

log = structlog.stdlib.get_logger()

_LANDLOCK_CREATE_RULESET, _LANDLOCK_VERSION_FLAG = 444, 1


@dataclass(frozen=True, slots=True)
class Workshop:
    """Holds the resources to start jails of any level; call `close` when no jail is left."""

    directory: Path
    base: JailPolicy
    spawner: Spawner
    user_ids: UserIds | None
    cgroups: Cgroups | None
    landlock_abi: int

    def factory(self, policy: JailPolicy) -> JailFactory:
        """Returns a factory of jails with this policy."""
        return JailFactory(
            policy,
            directory=self.directory,
            spawner=self.spawner,
            user_ids=self.user_ids,
            cgroups=self.cgroups,
            landlock_abi=self.landlock_abi,
        )

    def close(self) -> None:
        """Ends the thread that started the jails, and removes the runner's control groups."""
        self.spawner.close()
        if self.cgroups is not None:
            self.cgroups.remove()


def open_workshop(state: Path, *, site: Path | None = None, preload: tuple[str, ...] = PRELOADED) -> Workshop:
    """Prepares jail content in the directory `state`; with `site`, uses that site directory instead of a new one."""
    private_directory(state)
    host = JailPaths(harness=str(prepare_harness(state)), site=str(site or prepare_site(state)), bundle="", work="")
    base = JailPolicy(
        level=IsolationLevel.NONE, python=python_installation(), system=system_files(), host=host, preload=preload
    )
    clear_leftovers(state)
    directory = private_directory(jails_directory(state))
    return Workshop(directory, base, Spawner(), user_ids_of_this_runner(), open_cgroups(), landlock_abi())


async def choose_isolation(workshop: Workshop, choice: IsolationChoice) -> JailFactory:
    """Returns a factory with the strongest permitted level that works, tested by starting a jail.

    Raises IsolationUnavailable with the levels that were tried and their errors.
    """
    failures: list[str] = []
    for policy in _candidates(workshop, choice):
        factory = workshop.factory(policy)
        try:
            await (await factory.start()).destroy()
        except JailFailed as error:
            failures.append(f"{policy.level}: {error}")
            log.info("isolation.unavailable", level=policy.level, reason=str(error))
            continue
        log.info("isolation.chosen", level=policy.level, own_user=factory.changes_user)
        if factory.runs_as_root and policy.level is not IsolationLevel.NONE:
            log.warning(
                "isolation.runs_as_root",
                level=policy.level,
                reason="other users cannot reach RUNNER_STATE_DIR, or the interpreter: keep both out of root's home",
            )
        return factory
    tried = "; ".join(dict.fromkeys(failures)) or "no level could be tried"
    raise IsolationUnavailable(
        f"user code cannot be isolated here ({tried}). Install bubblewrap, permit user namespaces or use a kernel "
        "with Landlock; SANDBOX_ISOLATION=none runs it without isolation"
    )


def _candidates(workshop: Workshop, choice: IsolationChoice) -> Iterator[JailPolicy]:
    is_auto = choice is IsolationChoice.AUTO
    if is_auto or choice is IsolationChoice.BUBBLEWRAP:
        bubblewrap = replace(workshop.base, level=IsolationLevel.BUBBLEWRAP)
        if os.geteuid() == 0:
            yield bubblewrap
        own_namespace = replace(bubblewrap, own_user_namespace=True)
        for policy in dict.fromkeys((_for_own_users(workshop, own_namespace), own_namespace)):
            if _limits_hold(workshop, policy):
                yield policy
                # Some containers mask parts of /proc; the kernel then refuses to mount a new one.
                yield replace(policy, mount_proc=False)
    if (is_auto or choice is IsolationChoice.LANDLOCK) and workshop.landlock_abi >= MINIMUM_ABI:
        landlock = replace(workshop.base, level=IsolationLevel.LANDLOCK)
        yield from dict.fromkeys((_for_own_users(workshop, landlock), landlock))
    if choice is IsolationChoice.NONE:
        yield workshop.base


def _for_own_users(workshop: Workshop, policy: JailPolicy) -> JailPolicy:
    """Returns the policy with an interpreter that the jails' own users can reach, where there is none already."""
    state = workshop.directory.parent
    if workshop.user_ids is None or is_reachable(policy.python) or not reachable_by_others(str(workshop.directory)):
        return policy
    try:
        return replace(policy, python=reachable_copy(policy.python, state))
    except (SandboxError, OSError) as error:
        log.warning("isolation.python_not_copied", reason=str(error))
        return policy


def _limits_hold(workshop: Workshop, policy: JailPolicy) -> bool:
    """Tells whether processes can be limited: RLIMIT_NPROC ignores root, which needs another user or a cgroup."""
    if os.geteuid() != 0:
        return True
    has_cgroup = workshop.cgroups is not None and workshop.cgroups.limits_processes
    return has_cgroup or workshop.factory(policy).changes_user


def landlock_abi() -> int:
    """Returns the kernel's Landlock version; 0 if it has none."""
    libc = ctypes.CDLL(None, use_errno=True)
    return max(0, int(libc.syscall(_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), _LANDLOCK_VERSION_FLAG)))
