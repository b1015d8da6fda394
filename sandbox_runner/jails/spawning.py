"""Starts a jail's process according to its policy.

All processes are started from one thread that lives as long as the runner: `bwrap --die-with-parent` and the parent
death signal react to the end of the starting *thread*, so jails started from a pool thread would die with it.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO, Any

from sandbox_runner.errors import JailFailed
from sandbox_runner.isolation.bubblewrap import bubblewrap_arguments
from sandbox_runner.isolation.cgroups import JailCgroup
from sandbox_runner.isolation.landlock import landlock_ruleset
from sandbox_runner.isolation.policy import IsolationLevel, JailPolicy
from sandbox_runner.isolation.seccomp import seccomp_filter
from sandbox_runner.isolation.syscalls import current_architecture
from sandbox_runner.jails.channel import framed
from sandbox_runner.jails.process_tree import descendants

BROKER_PORT = 8000
"""The broker's port on the jail's loopback interface."""

_PYTHON_OPTIONS = ("-I", "-S", "-B", "-X", "utf8")
_BOOT = "import sys; sys.path.insert(0, {harness!r}); from automio_sandbox.start import main; main()"
_NAMESPACE_SECONDS = 20.0
_DEATH_SECONDS = 5.0


@dataclass(slots=True)
class SpawnedJail:
    """Holds the runner's handles of a started jail; all processes of the jail end with the process `init_pid`."""

    process: subprocess.Popen[bytes]
    init_pid: int
    control: socket.socket
    output: socket.socket
    stdout: IO[bytes]
    stderr: IO[bytes]
    dispenser: socket.socket | None
    status: socket.socket | None
    """The socket for the exit status from bwrap; if it is closed too early, bwrap dies of a broken pipe."""


class Spawner:
    """Owns the long-lived thread that starts jails."""

    def __init__(self) -> None:
        self.executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="jail-spawner")

    def close(self) -> None:
        """Ends the thread, and with it all remaining jails."""
        self.executor.shutdown()


def spawn(policy: JailPolicy, *, cgroup: JailCgroup | None, landlock_abi: int) -> SpawnedJail:
    """Starts a jail and sends it its policy; the jail then seals itself and reports that it is ready.

    Raises JailFailed with the message of bwrap or the kernel.
    """
    with contextlib.ExitStack() as passed, contextlib.ExitStack() as kept:
        control, control_inside = _pair(socket.SOCK_STREAM, passed, kept)
        output, output_inside = _pair(socket.SOCK_SEQPACKET, passed, kept)
        dispenser: socket.socket | None = None
        status: socket.socket | None = None
        descriptors = [control_inside.fileno(), output_inside.fileno()]
        if policy.level is not IsolationLevel.BUBBLEWRAP:
            dispenser, dispenser_inside = _pair(socket.SOCK_STREAM, passed, kept)
            descriptors.append(dispenser_inside.fileno())
        command = [
            policy.python.executable,
            *_PYTHON_OPTIONS,
            *("-c", _BOOT.format(harness=policy.inside.harness)),
            *map(str, descriptors),
        ]
        if policy.level is IsolationLevel.BUBBLEWRAP:
            status, status_inside = _pair(socket.SOCK_STREAM, passed, kept)
            process, init_pid = _start_bubblewrap(policy, command, descriptors, (status, status_inside), cgroup)
        else:
            process = _start(command, descriptors, directory=policy.host.work)
            init_pid = process.pid
            _add_to(cgroup, process, process.pid)
        assert process.stdout is not None and process.stderr is not None
        control.sendall(framed(_configuration(policy, process_id=process.pid, landlock_abi=landlock_abi)))
        kept.pop_all()
        return SpawnedJail(process, init_pid, control, output, process.stdout, process.stderr, dispenser, status)


def _configuration(policy: JailPolicy, *, process_id: int, landlock_abi: int) -> dict[str, Any]:
    """Returns the first message to the harness: how to seal itself, its paths, and the modules to preload."""
    landlock = program = None
    if policy.level is IsolationLevel.LANDLOCK:
        program = seccomp_filter(policy.level, current_architecture(), process_id=process_id)
        ruleset = landlock_ruleset(policy, abi=landlock_abi)
        landlock = {
            "handled_files": ruleset.handled_files,
            "handled_network": ruleset.handled_network,
            "scoped": ruleset.scoped,
            "rules": ruleset.rules,
        }
    inside = policy.inside
    return {
        "level": policy.level,
        "seal": {
            # With its own user namespace, bwrap already runs as the jail's user.
            "user_id": None if policy.own_user_namespace else policy.user_id,
            "drop_capabilities": policy.level is not IsolationLevel.NONE,
            "die_with_parent": policy.level is not IsolationLevel.BUBBLEWRAP,
            "landlock": landlock,
            "seccomp": program.hex() if program is not None else None,
        },
        "paths": {"site": inside.site, "bundle": inside.bundle, "work": inside.work},
        "preload": policy.preload,
        "broker_port": BROKER_PORT,
        "count_processes": policy.level is IsolationLevel.BUBBLEWRAP,
    }


def _start_bubblewrap(
    policy: JailPolicy,
    command: list[str],
    descriptors: list[int],
    status_pair: tuple[socket.socket, socket.socket],
    cgroup: JailCgroup | None,
) -> tuple[subprocess.Popen[bytes], int]:
    status, status_inside = status_pair
    if (bwrap := shutil.which("bwrap")) is None:
        raise JailFailed("bwrap is not installed")
    program = seccomp_filter(policy.level, current_architecture())
    with _pipe() as (block_read, block_write), _passwd(policy) as passwd, _file("seccomp", program or b"") as seccomp:
        with status_inside:
            status_fd = status_inside.fileno()
            arguments = bubblewrap_arguments(
                policy, status_fd=status_fd, block_fd=block_read, passwd_fd=passwd, seccomp_fd=seccomp
            )
            process = _start(
                [bwrap, *arguments[1:], *command],
                [*descriptors, status_fd, block_read, passwd, seccomp],
                directory="/",
                user_id=policy.user_id if policy.own_user_namespace else None,
            )
        init_pid = _namespace_init(process, status)
        _add_to(cgroup, process, init_pid)
        os.write(block_write, b"1")
    return process, init_pid


def _add_to(cgroup: JailCgroup | None, process: subprocess.Popen[bytes], member: int) -> None:
    if cgroup is None:
        return
    try:
        cgroup.add(member)
    except OSError as error:
        failure(process, "")
        raise JailFailed(f"the process cannot be added to the jail's control group: {error}") from error


def _namespace_init(process: subprocess.Popen[bytes], status: socket.socket) -> int:
    """Returns the host's id of the jail's process 1, as reported by bwrap."""
    status.settimeout(_NAMESPACE_SECONDS)
    line = b""
    try:
        # bwrap writes the line in pieces.
        while b"\n" not in line:
            if not (part := status.recv(4096)):
                raise EOFError
            line += part
        return int(json.loads(line.splitlines()[0])["child-pid"])
    except (OSError, EOFError, KeyError, ValueError) as error:
        raise failure(process, "bwrap did not start") from error


def failure(process: subprocess.Popen[bytes], what: str) -> JailFailed:
    """Ends a jail that failed to start, and returns the error with the last line of its output."""
    # A child that bwrap has just created does not die with it yet.
    for child in [*descendants(process.pid), process.pid]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    try:
        _, stderr = process.communicate(timeout=_DEATH_SECONDS)
    except subprocess.TimeoutExpired:
        stderr = b""
    reason = stderr.decode(errors="replace").strip().splitlines()[-1:] or [f"status {process.returncode}"]
    return JailFailed(f"{what}: {reason[0]}")


def _start(
    command: list[str], descriptors: list[int], *, directory: str, user_id: int | None = None
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            pass_fds=descriptors,
            # The runner's environment contains its token and must not be visible in a jail.
            env={},
            cwd=directory,
            start_new_session=True,
            user=user_id,
            group=user_id,
            extra_groups=None if user_id is None else [],
        )
    except OSError as error:
        raise JailFailed(f"{command[0]} cannot be started: {error.strerror}") from error


def _pair(
    kind: socket.SocketKind, passed: contextlib.ExitStack, kept: contextlib.ExitStack
) -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    return kept.enter_context(ours), passed.enter_context(theirs)


@contextlib.contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    try:
        yield read, write
    finally:
        os.close(read)
        os.close(write)


def _passwd(policy: JailPolicy) -> contextlib.AbstractContextManager[int]:
    """Provides a passwd file with the jail's only user, so that looking up the user's name works."""
    user_id = os.getuid() if policy.user_id is None else policy.user_id
    return _file("passwd", f"sandbox:x:{user_id}:{user_id}::/tmp:/nonexistent\n".encode())


@contextlib.contextmanager
def _file(name: str, content: bytes) -> Iterator[int]:
    descriptor = os.memfd_create(name)
    try:
        os.write(descriptor, content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)
