"""Builds the bubblewrap command line of a policy.

Limits of this isolation: the jail shares the host's kernel, sees its CPU and memory figures in /proc, and learns from
its mount table the host's paths of the mounted directories. It can reach no address but its own loopback interface.
"""

from collections.abc import Iterable
from pathlib import PurePosixPath

from sandbox_runner.isolation.policy import INSIDE, PROGRAM, JailPolicy

_HOSTNAME = "sandbox"


def bubblewrap_arguments(
    policy: JailPolicy, *, status_fd: int, block_fd: int, passwd_fd: int, seccomp_fd: int
) -> list[str]:
    """Returns the argv up to and including `--`; the jail's command follows.

    bwrap writes its child's pid to `status_fd`, waits for a byte on `block_fd` before it starts the command (so that
    its processes can be put into a cgroup first), copies `passwd_fd` to /etc/passwd, and loads the filter from
    `seccomp_fd`. bwrap loads the filter so that it also applies to process 1 of the jail, bwrap's reaper: if the
    runner is not root, the reaper belongs to the same user as the code, which may then write to its memory.
    """
    return [
        "bwrap",
        *_namespaces(policy),
        "--die-with-parent",
        "--new-session",
        "--clearenv",
        *("--json-status-fd", str(status_fd)),
        *("--block-fd", str(block_fd)),
        *("--seccomp", str(seccomp_fd)),
        *_filesystem(policy, passwd_fd=passwd_fd),
        *("--chdir", INSIDE.work),
        "--",
    ]


def _namespaces(policy: JailPolicy) -> list[str]:
    arguments = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    arguments += ["--hostname", _HOSTNAME, "--cap-drop", "ALL"]
    if policy.own_user_namespace:
        return ["--unshare-user", *arguments]
    # As real root no user namespace is needed: the harness first changes to the jail's own user. In a user namespace
    # made by root, the jail's processes would count as root's for limits and signals.
    return [*arguments, "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]


def _filesystem(policy: JailPolicy, *, passwd_fd: int) -> list[str]:
    python, system, host = policy.python, policy.system, policy.host
    read_only = [
        *((path, path) for path in (*system.directories, *system.files)),
        *((path, path) for path in (*python.directories, python.executable, *python.files)),
        (host.harness, INSIDE.harness),
        (host.site, INSIDE.site),
        (host.bundle, INSIDE.bundle),
    ]
    if policy.program is not None:
        read_only.append((policy.program, PROGRAM))
    arguments: list[str] = []
    for directory in _parents(target for _, target in read_only):
        # bwrap creates missing parents for its own user only, but the jail's user must be able to enter them.
        arguments += ["--perms", "0755", "--dir", directory]
    arguments += ["--perms", "0755", "--dir", "/etc"]
    for source, target in read_only:
        arguments += ["--ro-bind", source, target]
    for hidden in python.hidden:
        arguments += ["--perms", "0555", "--tmpfs", hidden, "--remount-ro", hidden]
    for path, target in system.links:
        arguments += ["--symlink", target, path]
    if policy.mount_proc:
        arguments += ["--proc", "/proc"]
    arguments += ["--dev", "/dev", "--remount-ro", "/dev"]
    arguments += ["--perms", "1777", "--size", str(policy.scratch_bytes), "--tmpfs", "/dev/shm"]
    arguments += ["--perms", "0444", "--file", str(passwd_fd), "/etc/passwd"]
    arguments += ["--perms", "1777", "--size", str(policy.scratch_bytes), "--tmpfs", INSIDE.work]
    return [*arguments, "--remount-ro", "/"]


def _parents(paths: Iterable[str]) -> list[str]:
    """Returns all directories above the paths, outermost first, without the root."""
    above = {str(parent) for path in paths for parent in PurePosixPath(path).parents} - {"/"}
    return sorted(above, key=lambda path: (path.count("/"), path))
