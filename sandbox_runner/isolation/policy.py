"""The isolation policy: plain data that says what a jail sees and may do. Nothing here touches the kernel.

`bubblewrap.bubblewrap_arguments`, `landlock.landlock_ruleset` and `seccomp.seccomp_filter` are pure functions of it.
"""

from dataclasses import dataclass
from enum import StrEnum


class IsolationLevel(StrEnum):
    """How user code is kept apart from the machine, strongest first."""

    BUBBLEWRAP = "bubblewrap"
    LANDLOCK = "landlock"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonInstallation:
    """What of the host's Python a jail needs; all absolute paths that are not symbolic links.

    `hidden` are directories inside the standard library that must not be seen (the host's own site-packages).
    """

    executable: str
    directories: tuple[str, ...]
    files: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemFiles:
    """What of the host's system a jail needs to load shared libraries and know time zones.

    `directories` and `files` are mounted read-only under their own path, `links` are (path, target) pairs.
    """

    directories: tuple[str, ...]
    files: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JailPaths:
    """The directories a jail is made of, as seen from one side (the host's or the jail's).

    `harness`, `site` and `bundle` are read-only inside; `work` is the writable current directory.
    """

    harness: str
    site: str
    bundle: str
    work: str


INSIDE = JailPaths(harness="/automio/harness", site="/automio/site", bundle="/automio/bundle", work="/tmp")
"""Where a bubblewrap jail finds its directories."""


PRELOADED = ("automio", "automio.wrapper", "httpx", "gql", "gql.transport.httpx", "asyncio", "json", "datetime")
"""What a jail imports before it is given a run: importing it takes far longer than most runs' own start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JailPolicy:
    """Everything that decides what one jail may do.

    `user_id` is the unprivileged user the code runs as (None: the runner's own, when it is no root).
    `own_user_namespace` is needed when the runner is not root; `mount_proc` is off where the kernel refuses a
    fresh /proc (inside some containers). `scratch_bytes` bounds the memory-backed work directory. `preload` are the
    modules that are imported ahead, those that are there.
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

    @property
    def inside(self) -> JailPaths:
        """The jail's directories as the code in it sees them."""
        return INSIDE if self.level is IsolationLevel.BUBBLEWRAP else self.host
