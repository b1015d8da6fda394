"""Defines the isolation policy: plain data about what a jail can see and do. Nothing here uses the kernel.

`bubblewrap.bubblewrap_arguments`, `landlock.landlock_ruleset` and `seccomp.seccomp_filter` are pure functions of it.
"""

from dataclasses import dataclass
from enum import StrEnum


class IsolationLevel(StrEnum):
    """Lists the ways to isolate user code from the machine, strongest first."""

    BUBBLEWRAP = "bubblewrap"
    LANDLOCK = "landlock"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonInstallation:
    """Describes the parts of the host's Python that a jail needs, as absolute paths without symbolic links.

    `hidden` are directories in the standard library that jails must not see (the host's own site-packages).
    """

    executable: str
    directories: tuple[str, ...]
    files: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemFiles:
    """Describes the parts of the host's system that a jail needs to load shared libraries and time zones.

    `directories` and `files` are mounted read-only under their own path, `links` are (path, target) pairs.
    """

    directories: tuple[str, ...]
    files: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JailPaths:
    """Describes the directories of a jail, as paths of either the host or the jail.

    `harness`, `site` and `bundle` are read-only inside; `work` is the writable current directory.
    """

    harness: str
    site: str
    bundle: str
    work: str


INSIDE = JailPaths(harness="/automio/harness", site="/automio/site", bundle="/automio/bundle", work="/tmp")
"""The paths inside a bubblewrap jail."""

PROGRAM = "/automio/program"
"""The path of `JailPolicy.program` inside a bubblewrap jail."""


PRELOADED = ("automio", "automio.wrapper", "httpx", "gql", "gql.transport.httpx", "asyncio", "json", "datetime")
"""Modules that a jail imports before it gets a run, as importing them takes longer than most runs need to start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JailPolicy:
    """Decides what a jail may do.

    `user_id` is the unprivileged user that the code runs as (None: the runner's own user, if it is not root).
    `own_user_namespace` is needed when the runner is not root; `mount_proc` is false if the kernel refuses a new
    /proc, as in some containers. `scratch_bytes` limits the files of the run (4 KB each or more). `preload` are the
    modules to import ahead; missing ones are skipped. `program` is a file of the host that a bubblewrap jail sees as
    `PROGRAM`, to execute it instead of a run.
    """

    level: IsolationLevel
    python: PythonInstallation
    system: SystemFiles
    host: JailPaths
    user_id: int | None = None
    own_user_namespace: bool = False
    mount_proc: bool = True
    scratch_bytes: int = 256 * 1024 * 1024
    preload: tuple[str, ...] = PRELOADED
    program: str | None = None

    @property
    def inside(self) -> JailPaths:
        """Returns the jail's directories, as paths of the code inside."""
        return INSIDE if self.level is IsolationLevel.BUBBLEWRAP else self.host
