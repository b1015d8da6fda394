"""Builds the seccomp filter: the system calls that a jail may make, per isolation level.

The lists name the calls to refuse; calls that are newer than the lists are refused, too. `clone3` fails with ENOSYS,
because a filter cannot read its flags behind a pointer; libc then falls back to `clone`, whose flags can be checked.
"""

import errno
from collections.abc import Iterator

from sandbox_runner.isolation.bpf import ArgumentIs, ArgumentIsNull, ArgumentsAreNot, Condition, Rule, assemble
from sandbox_runner.isolation.policy import IsolationLevel
from sandbox_runner.isolation.syscalls import HIGHEST_NUMBER, Architecture

_CLONE_THREAD = 0x00010000
# new mount, cgroup, UTS, IPC, user, pid and network namespace
_CLONE_NAMESPACES = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
_AF_UNIX, _AF_INET, _AF_INET6 = 1, 2, 10
_SOCK_STREAM, _SOCK_TYPE_MASK = 1, 0xF
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
# They name a process that the kernel signals when a file is ready: any process of the same user, and with F_SETSIG by
# any signal. Landlock confines this from ABI 6 on only.
_FIOSETOWN, _SIOCSPGRP = 0x8901, 0x8902
_F_SETOWN, _F_SETSIG, _F_SETOWN_EX = 8, 10, 15
# Off, it would hide a process's open files from a runner that is not root; the harness sets it on.
_PR_SET_DUMPABLE, _NOT_DUMPABLE = 4, 0
_PERSONALITY_LINUX, _PERSONALITY_QUERY = 0, 0xFFFFFFFF

# Reading, controlling or naming other processes.
_OTHER_PROCESSES = (
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "kcmp",
    "process_madvise",
    "process_mrelease",
    "pidfd_getfd",
    "move_pages",
    "migrate_pages",
)
# Mounts, roots and namespaces.
_FILESYSTEM_VIEW = (
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "unshare",
    "setns",
    "mount_setattr",
    "move_mount",
    "open_tree",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "name_to_handle_at",
    "open_by_handle_at",
    "quotactl",
    "quotactl_fd",
    "fanotify_init",
    "fanotify_mark",
    "mknod",
    "mknodat",
)
# Kernel interfaces with a large attack surface that no script needs.
_KERNEL_SURFACE = (
    "keyctl",
    "add_key",
    "request_key",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "modify_ldt",
    "memfd_secret",
    "lookup_dcookie",
    "mbind",
    "set_mempolicy",
    "set_mempolicy_home_node",
    "uselib",
    "sysfs",
    "ustat",
    "nfsservctl",
    "_sysctl",
)
# The machine as a whole.
_MACHINE = (
    "kexec_load",
    "kexec_file_load",
    "init_module",
    "finit_module",
    "delete_module",
    "create_module",
    "get_kernel_syms",
    "query_module",
    "reboot",
    "swapon",
    "swapoff",
    "acct",
    "iopl",
    "ioperm",
    "syslog",
    "settimeofday",
    "clock_settime",
    "clock_adjtime",
    "adjtimex",
    "vhangup",
    "sethostname",
    "setdomainname",
)
_EVERYWHERE = (*_OTHER_PROCESSES, *_FILESYSTEM_VIEW, *_KERNEL_SURFACE, *_MACHINE)

# Without a process namespace: no second process, no new program, nothing shared with others of the same user.
_SHARED_WITH_THE_HOST = (
    "fork",
    "vfork",
    "execve",
    "execveat",
    "pidfd_open",
    "pidfd_send_signal",
    "tkill",
    "rt_sigqueueinfo",
    "rt_tgsigqueueinfo",
    "setpriority",
    "sched_setaffinity",
    "sched_setscheduler",
    "sched_setparam",
    "sched_setattr",
    "ioprio_set",
    "shmget",
    "shmat",
    "shmctl",
    "semget",
    "semop",
    "semctl",
    "semtimedop",
    "msgget",
    "msgsnd",
    "msgrcv",
    "msgctl",
    "mq_open",
    "mq_unlink",
)
# Landlock does not cover changing modes, owners, attributes and times of files that cannot be opened.
_FILE_METADATA = (
    "chmod",
    "fchmod",
    "fchmodat",
    "chown",
    "fchown",
    "lchown",
    "fchownat",
    "setxattr",
    "lsetxattr",
    "fsetxattr",
    "removexattr",
    "lremovexattr",
    "fremovexattr",
    "utime",
    "utimes",
    "utimensat",
    "futimesat",
    "inotify_init",
    "inotify_init1",
)
# The only way out is an inherited, connected descriptor.
_EVERY_SOCKET = ("socket", "connect", "bind", "listen", "accept", "accept4", "sendmsg", "sendmmsg")


def seccomp_filter(
    level: IsolationLevel, architecture: Architecture, *, process_id: int | None = None
) -> bytes | None:
    """Returns the BPF program for `PR_SET_SECCOMP`; None for the level `none`.

    `process_id` is the jail's process, required for the level `landlock`, where it may signal and limit only itself.
    """
    if level is IsolationLevel.NONE:
        return None
    rules = [*_rules_everywhere(architecture)]
    if level is IsolationLevel.LANDLOCK:
        if process_id is None:
            raise ValueError("the Landlock level's filter needs the process it is for")
        rules += _rules_without_namespaces(architecture, process_id)
    else:
        rules += _rules_inside_namespaces(architecture)
    return assemble(
        rules,
        architecture=architecture.audit_number,
        highest_number=HIGHEST_NUMBER,
        unknown_errno=errno.ENOSYS,
    )


def _rules_everywhere(architecture: Architecture) -> Iterator[Rule]:
    yield from _refused(architecture, _EVERYWHERE)
    yield from _refused(architecture, ("clone3",), error=errno.ENOSYS)
    refused_requests = (_TIOCSTI, _TIOCLINUX, _FIOSETOWN, _SIOCSPGRP)
    yield from _unless(architecture, "ioctl", ArgumentIs(1, refused_requests, negated=True))
    yield from _unless(architecture, "fcntl", ArgumentIs(1, (_F_SETOWN, _F_SETSIG, _F_SETOWN_EX), negated=True))
    yield from _unless(architecture, "prctl", ArgumentsAreNot(_PR_SET_DUMPABLE, _NOT_DUMPABLE))
    yield from _unless(architecture, "personality", ArgumentIs(0, (_PERSONALITY_LINUX, _PERSONALITY_QUERY)))


def _rules_inside_namespaces(architecture: Architecture) -> Iterator[Rule]:
    yield from _unless(architecture, "clone", ArgumentIs(0, (0,), mask=_CLONE_NAMESPACES))
    # vsock and others are not confined by a network namespace.
    yield from _unless(architecture, "socket", ArgumentIs(0, (_AF_UNIX, _AF_INET, _AF_INET6)))


def _rules_without_namespaces(architecture: Architecture, process_id: int) -> Iterator[Rule]:
    yield from _refused(architecture, (*_SHARED_WITH_THE_HOST, *_FILE_METADATA, *_EVERY_SOCKET))
    yield from _unless(architecture, "clone", ArgumentIs(0, (_CLONE_THREAD,), mask=_CLONE_THREAD | _CLONE_NAMESPACES))
    # A datagram pair could be re-addressed to any Unix socket of the host.
    yield from _unless(
        architecture,
        "socketpair",
        ArgumentIs(0, (_AF_UNIX,)),
        ArgumentIs(1, (_SOCK_STREAM,), mask=_SOCK_TYPE_MASK),
    )
    yield from _unless(architecture, "sendto", ArgumentIsNull(4))
    yield from _unless(architecture, "kill", ArgumentIs(0, (process_id,)))
    yield from _unless(architecture, "tgkill", ArgumentIs(0, (process_id,)))
    yield from _unless(architecture, "prlimit64", ArgumentIs(0, (0, process_id)))


def _refused(architecture: Architecture, names: tuple[str, ...], *, error: int = errno.EPERM) -> Iterator[Rule]:
    for name in names:
        if (number := architecture.number(name)) is not None:
            yield Rule(number, error)


def _unless(architecture: Architecture, name: str, *conditions: Condition) -> Iterator[Rule]:
    if (number := architecture.number(name)) is not None:
        yield Rule(number, errno.EPERM, conditions)
