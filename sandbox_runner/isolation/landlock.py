"""Builds the Landlock ruleset of a policy, for machines without mount and network namespaces.

Limits of this isolation: Landlock does not restrict `stat` or looking up a path, so code can probe names, sizes and
times of the host's files, but not read their content. seccomp prevents changing modes and owners. There is no process
namespace: seccomp limits the jail to a single process that can signal only itself. Landlock does not restrict Unix
sockets by path (before ABI 9) or UDP, so the seccomp filter refuses all sockets.
"""

from dataclasses import dataclass
from enum import IntFlag

from sandbox_runner.isolation.policy import JailPolicy


class Access(IntFlag):
    """Lists file system rights with the kernel's numbers."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13
    TRUNCATE = 1 << 14
    IOCTL_DEV = 1 << 15


_FIRST_ABI_RIGHTS = Access((1 << 13) - 1)
_RIGHTS_ADDED = {2: Access.REFER, 3: Access.TRUNCATE, 5: Access.IOCTL_DEV}
_NETWORK_RIGHTS = 0b11  # bind and connect of TCP, since ABI 4
_SCOPES = 0b11  # abstract Unix sockets and signals, since ABI 6

_READ = Access.READ_FILE | Access.READ_DIR
_READ_ONE_FILE = Access.READ_FILE
_WRITE = (
    _READ
    | Access.WRITE_FILE
    | Access.REMOVE_DIR
    | Access.REMOVE_FILE
    | Access.MAKE_DIR
    | Access.MAKE_REG
    | Access.MAKE_SYM
    | Access.REFER
    | Access.TRUNCATE
)
_WRITE_DEVICE = Access.READ_FILE | Access.WRITE_FILE

MINIMUM_ABI = 3
"""Older versions cannot prevent truncating a file of the host."""


@dataclass(frozen=True, slots=True)
class LandlockRuleset:
    """Holds the arguments of `landlock_create_ruleset`, and the (path, rights) pairs to add."""

    handled_files: int
    handled_network: int
    scoped: int
    rules: tuple[tuple[str, int], ...]


def landlock_ruleset(policy: JailPolicy, *, abi: int) -> LandlockRuleset:
    """Returns a ruleset that refuses all that the kernel's Landlock version can refuse, except for its rules."""
    handled = _FIRST_ABI_RIGHTS
    for since, right in _RIGHTS_ADDED.items():
        if abi >= since:
            handled |= right
    read_directories = [
        *policy.python.directories,
        *policy.system.directories,
        policy.host.harness,
        policy.host.site,
        policy.host.bundle,
    ]
    read_files = [policy.python.executable, *policy.python.files, *policy.system.files, "/dev/urandom", "/dev/random"]
    rules = [
        *((path, _READ & handled) for path in read_directories),
        *((path, _READ_ONE_FILE & handled) for path in read_files),
        ("/dev/null", _WRITE_DEVICE & handled),
        ("/dev/zero", _READ_ONE_FILE & handled),
        (policy.host.work, _WRITE & handled),
    ]
    return LandlockRuleset(
        handled_files=int(handled),
        handled_network=_NETWORK_RIGHTS if abi >= 4 else 0,
        scoped=_SCOPES if abi >= 6 else 0,
        rules=tuple((path, int(rights)) for path, rights in rules),
    )
