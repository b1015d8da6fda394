"""The seccomp filters, interpreted instead of loaded."""

import errno

import pytest

from sandbox_runner.isolation.policy import IsolationLevel
from sandbox_runner.isolation.seccomp import seccomp_filter
from sandbox_runner.isolation.syscalls import AARCH64, X86_64, Architecture
from tests.sandbox_runner.bpf_interpreter import interpret

ALLOW, KILL = 0x7FFF0000, 0x80000000
PROCESS = 4242


def answer(level: IsolationLevel, name: str | int, *arguments: int, architecture: Architecture = X86_64) -> int:
    program = seccomp_filter(level, architecture, process_id=PROCESS)
    assert program is not None
    number = name if isinstance(name, int) else architecture.number(name)
    assert number is not None
    return interpret(program, architecture=architecture.audit_number, number=number, arguments=arguments)


def refused(error: int) -> int:
    return 0x00050000 | error


LEVELS = [IsolationLevel.BUBBLEWRAP, IsolationLevel.LANDLOCK]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("architecture", [X86_64, AARCH64], ids=lambda architecture: architecture.name)
def test_what_no_script_needs_is_refused_everywhere(level: IsolationLevel, architecture: Architecture) -> None:
    for name in ("ptrace", "mount", "unshare", "setns", "keyctl", "bpf", "io_uring_setup", "process_vm_readv"):
        assert answer(level, name, architecture=architecture) == refused(errno.EPERM), name
    assert answer(level, "clone3", architecture=architecture) == refused(errno.ENOSYS)


@pytest.mark.parametrize("level", LEVELS)
def test_ordinary_calls_are_allowed(level: IsolationLevel) -> None:
    for number in (0, 1, 9, 39, 202):  # read, write, mmap, getpid, futex
        assert answer(level, number) == ALLOW


@pytest.mark.parametrize("level", LEVELS)
def test_numbers_nobody_has_judged_are_refused(level: IsolationLevel) -> None:
    assert answer(level, 452) == refused(errno.ENOSYS)
    assert answer(level, 0x40000000 + 39) == refused(errno.ENOSYS)


def test_another_architectures_table_kills() -> None:
    program = seccomp_filter(IsolationLevel.BUBBLEWRAP, X86_64)
    assert program is not None
    assert interpret(program, architecture=0x40000003, number=1) == KILL


def test_processes_may_be_made_in_a_jail_with_namespaces_but_no_namespaces() -> None:
    level = IsolationLevel.BUBBLEWRAP
    assert answer(level, "clone", 17) == ALLOW
    assert answer(level, "fork") == ALLOW
    for namespace in (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert answer(level, "clone", namespace | 17) == refused(errno.EPERM)


def test_only_threads_may_be_made_without_namespaces() -> None:
    level = IsolationLevel.LANDLOCK
    assert answer(level, "clone", 0x003D0F00) == ALLOW
    assert answer(level, "clone", 17) == refused(errno.EPERM)
    assert answer(level, "clone", 0x00010000 | 0x10000000) == refused(errno.EPERM)
    assert answer(level, "vfork") == refused(errno.EPERM)
    assert answer(level, "execve") == refused(errno.EPERM)


def test_socket_families() -> None:
    for family, expected in (
        (1, ALLOW),
        (2, ALLOW),
        (10, ALLOW),
        (16, refused(1)),
        (17, refused(1)),
        (40, refused(1)),
    ):
        assert answer(IsolationLevel.BUBBLEWRAP, "socket", family, 1) == expected
        assert answer(IsolationLevel.LANDLOCK, "socket", family, 1) == refused(errno.EPERM)


def test_without_a_network_namespace_only_connected_pairs_may_be_written_to() -> None:
    level = IsolationLevel.LANDLOCK
    assert answer(level, "socketpair", 1, 1) == ALLOW
    assert answer(level, "socketpair", 1, 1 | 0o2000000) == ALLOW
    assert answer(level, "socketpair", 1, 2) == refused(errno.EPERM)
    assert answer(level, "sendto", 3, 1, 1, 0, 0, 0) == ALLOW
    assert answer(level, "sendto", 3, 1, 1, 0, 0x7F00_0000_0000, 16) == refused(errno.EPERM)
    assert answer(level, "sendto", 3, 1, 1, 0, 0x1000, 16) == refused(errno.EPERM)
    assert answer(level, "sendmsg") == refused(errno.EPERM)


def test_without_a_process_namespace_a_process_signals_and_limits_only_itself() -> None:
    level = IsolationLevel.LANDLOCK
    assert answer(level, "kill", PROCESS, 15) == ALLOW
    assert answer(level, "tgkill", PROCESS, 1, 15) == ALLOW
    assert answer(level, "kill", 1, 15) == refused(errno.EPERM)
    assert answer(level, "kill", 0xFFFFFFFF, 9) == refused(errno.EPERM)
    assert answer(level, "prlimit64", 0) == ALLOW
    assert answer(level, "prlimit64", 1) == refused(errno.EPERM)


def test_injecting_into_a_terminal_is_refused() -> None:
    for level in LEVELS:
        assert answer(level, "ioctl", 0, 0x5412) == refused(errno.EPERM)
        assert answer(level, "ioctl", 0, 0x541C) == refused(errno.EPERM)
        assert answer(level, "ioctl", 0, 0x5401) == ALLOW


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("architecture", [X86_64, AARCH64], ids=lambda architecture: architecture.name)
def test_having_another_process_signalled_by_a_file_is_refused(
    level: IsolationLevel, architecture: Architecture
) -> None:
    def call(name: str, command: int) -> int:
        return answer(level, name, 3, command, 1, architecture=architecture)

    for command in (8, 10, 15):  # F_SETOWN, F_SETSIG, F_SETOWN_EX
        assert call("fcntl", command) == refused(errno.EPERM)
        # The kernel reads 32 bits of a command.
        assert call("fcntl", 1 << 32 | command) == refused(errno.EPERM)
    for command in (0, 1, 2, 3, 4, 5, 6, 7, 9, 11, 16, 1024, 1030, 1033):  # duplicates, flags, locks, leases, seals
        assert call("fcntl", command) == ALLOW
    for request in (0x8901, 0x8902):  # FIOSETOWN, SIOCSPGRP
        assert call("ioctl", request) == refused(errno.EPERM)
    assert call("ioctl", 0x5421) == ALLOW  # FIONBIO


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("architecture", [X86_64, AARCH64], ids=lambda architecture: architecture.name)
def test_hiding_open_files_from_the_runner_is_refused(level: IsolationLevel, architecture: Architecture) -> None:
    assert answer(level, "prctl", 4, 0, architecture=architecture) == refused(errno.EPERM)  # PR_SET_DUMPABLE
    assert answer(level, "prctl", 4, 1, architecture=architecture) == ALLOW, "the harness needs it"
    for option in (1, 3, 15, 22, 38):  # death signal, asking for dumpable, name, seccomp, no new privileges
        assert answer(level, "prctl", option, 0, architecture=architecture) == ALLOW


def test_the_level_none_has_no_filter() -> None:
    assert seccomp_filter(IsolationLevel.NONE, X86_64) is None


def test_the_landlock_filter_needs_its_process() -> None:
    with pytest.raises(ValueError, match="needs the process"):
        seccomp_filter(IsolationLevel.LANDLOCK, X86_64)
