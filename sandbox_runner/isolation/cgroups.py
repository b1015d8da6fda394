"""Creates a control group per jail for memory and processes, if the runner has the permission (cgroup v1 or v2).

Groups are below the runner's own, so that limits of the runner apply to its jails, too.
"""

import contextlib
import errno
import os
import signal
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_CONTROLLERS = ("memory", "pids")
_NAME = "automio-runner-"


@dataclass(frozen=True, slots=True)
class CgroupFiles:
    """Holds the names of the files in one version of the interface."""

    version: int
    memory_limit: str
    memory_peak: str


_V1 = CgroupFiles(1, "memory.limit_in_bytes", "memory.max_usage_in_bytes")
_V2 = CgroupFiles(2, "memory.max", "memory.peak")


class JailCgroup:
    """Represents the control group of a jail: one directory per controller in v1, a single one in v2."""

    def __init__(self, directories: dict[str, Path], files: CgroupFiles) -> None:
        self._directories = directories
        self._files = files

    def add(self, process_id: int) -> None:
        """Moves a process into the group; processes that it starts later belong to the group, too."""
        for directory in set(self._directories.values()):
            # Another runner that clears up after dead runners may have removed the empty group.
            directory.mkdir(parents=True, exist_ok=True)
            (directory / "cgroup.procs").write_text(str(process_id))

    def limit(self, *, memory_bytes: int, processes: int) -> None:
        """Sets both limits; works with processes in the group, too."""
        if memory := self._directories.get("memory"):
            (memory / self._files.memory_limit).write_text(str(memory_bytes))
            with contextlib.suppress(OSError):
                # Not every kernel accounts swap. Without a limit, memory would be swapped out instead of refused.
                swap = "memory.swap.max" if self._files.version == 2 else "memory.memsw.limit_in_bytes"
                (memory / swap).write_text("0" if self._files.version == 2 else str(memory_bytes))
        if pids := self._directories.get("pids"):
            (pids / "pids.max").write_text(str(processes))

    @property
    def limits_memory(self) -> bool:
        """Tells whether the kernel limits the memory of the whole jail."""
        return "memory" in self._directories

    def out_of_memory_kills(self) -> int:
        """Returns the number of processes in the jail that the kernel killed because of memory."""
        name = "memory.oom_control" if self._files.version == 1 else "memory.events"
        return self._counter("memory", name, "oom_kill")

    def refused_processes(self) -> int:
        """Returns how often the kernel refused a new process or thread."""
        return self._counter("pids", "pids.events", "max")

    def peak_memory(self) -> int | None:
        """Returns the peak memory of the jail in bytes; None if the kernel does not report it."""
        if "memory" not in self._directories:
            return None
        with contextlib.suppress(OSError, ValueError):
            return int((self._directories["memory"] / self._files.memory_peak).read_text())
        return None

    def kill_all(self) -> None:
        """Sends SIGKILL to all processes in the group."""
        for process_id in self._members():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGKILL)

    def remove(self) -> bool:
        """Removes the group; returns False while it has processes."""
        for directory in set(self._directories.values()):
            try:
                directory.rmdir()
            except FileNotFoundError:
                continue
            except OSError as error:
                if error.errno == errno.EBUSY:
                    return False
                raise
        return True

    def _members(self) -> set[int]:
        members: set[int] = set()
        for directory in set(self._directories.values()):
            with contextlib.suppress(OSError):
                members |= {int(line) for line in (directory / "cgroup.procs").read_text().split()}
        return members

    def _counter(self, controller: str, file: str, name: str) -> int:
        if controller not in self._directories:
            return 0
        with contextlib.suppress(OSError, ValueError):
            for line in (self._directories[controller] / file).read_text().splitlines():
                key, _, value = line.partition(" ")
                if key == name:
                    return int(value)
        return 0


class Cgroups:
    """Holds the parent groups of this runner's jails."""

    def __init__(self, parents: dict[str, Path], files: CgroupFiles) -> None:
        self._parents = parents
        self._files = files

    @property
    def limits_processes(self) -> bool:
        """Tells whether the number of processes in a jail can be limited."""
        return "pids" in self._parents

    def create(self, name: str) -> JailCgroup:
        """Creates an empty group."""
        directories = {}
        for controller, parent in self._parents.items():
            directory = parent / name
            directory.mkdir(parents=True, exist_ok=True)
            directories[controller] = directory
        return JailCgroup(directories, self._files)

    def remove(self) -> None:
        """Removes the parent groups after all jails are gone."""
        for parent in set(self._parents.values()):
            with contextlib.suppress(OSError):
                parent.rmdir()


def open_cgroups(*, root: Path = _ROOT, membership: str | None = None) -> Cgroups | None:
    """Creates this runner's parent groups and removes those of dead runners; returns None without permission."""
    text = Path("/proc/self/cgroup").read_text() if membership is None else membership
    own = _own_groups(text)
    parents: dict[str, Path] = {}
    for controller in _CONTROLLERS:
        if controller in own and (parent := _make_level(root / controller, own[controller])) is not None:
            parents[controller] = parent
    if parents:
        return Cgroups(parents, _V1)
    return _open_unified(root, own.get("", "/"))


def _own_groups(membership: str) -> dict[str, str]:
    """Returns paths by controller from the lines `number:controllers:path` of /proc/self/cgroup; v2 has no names."""
    groups: dict[str, str] = {}
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            groups[controller] = path
    return groups


def _open_unified(root: Path, own: str) -> Cgroups | None:
    group = root / own.lstrip("/")
    if not (group / "cgroup.subtree_control").is_file():
        return None
    try:
        offered = set((group / "cgroup.controllers").read_text().split()) & set(_CONTROLLERS)
        if not offered:
            return None
        _delegate(group, offered)
        level = group / _level_name()
        level.mkdir(exist_ok=True)
        (level / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in sorted(offered)))
    except OSError:
        return None
    _clear_dead(group)
    return Cgroups(dict.fromkeys(sorted(offered), level), _V2)


def _delegate(group: Path, controllers: set[str]) -> None:
    """Enables controllers for child groups; first moves this process aside, as the group must have no processes."""
    if controllers <= set((group / "cgroup.subtree_control").read_text().split()):
        return
    enabled = " ".join(f"+{name}" for name in sorted(controllers))
    try:
        (group / "cgroup.subtree_control").write_text(enabled)
    except OSError as error:
        members = (group / "cgroup.procs").read_text().split()
        if error.errno != errno.EBUSY or members != [str(os.getpid())]:
            raise
        aside = group / "automio-main"
        aside.mkdir(exist_ok=True)
        (aside / "cgroup.procs").write_text(str(os.getpid()))
        (group / "cgroup.subtree_control").write_text(enabled)


def _make_level(mounted: Path, own: str) -> Path | None:
    # In a container the path may be the host's, while the mount shows only a part of it.
    group = mounted / own.lstrip("/")
    parent = group if group.is_dir() else mounted
    level = parent / _level_name()
    try:
        level.mkdir(exist_ok=True)
        if not os.access(level / "cgroup.procs", os.W_OK):
            return None
    except OSError:
        return None
    _clear_dead(parent)
    return level


def _level_name() -> str:
    return f"{_NAME}{os.getpid()}-{os.urandom(4).hex()}"


def _clear_dead(parent: Path) -> None:
    for level in parent.glob(f"{_NAME}*"):
        if Path("/proc", level.name.removeprefix(_NAME).partition("-")[0]).exists():
            continue
        for jail in [*level.glob("*/"), level]:
            with contextlib.suppress(OSError):
                jail.rmdir()
