"""Drops all privileges that the jail must not have, before any library or user code is loaded.

The runner computes the policy; this module applies it and then checks from inside that it holds.
"""

import ctypes
import errno
import os
import signal
import socket
import struct
import sys
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE, _PR_GET_SECCOMP, _PR_SET_SECCOMP, _PR_CAPBSET_DROP = 4, 21, 22, 24
_PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
_SECCOMP_MODE_FILTER = 2
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_LANDLOCK_RULE_PATH_BENEATH = 1
_CAPABILITY_VERSION = 0x20080522
_CLONE_NEWUSER = 0x10000000
_LAST_CAPABILITY = 63

_libc = ctypes.CDLL(None, use_errno=True)


class SealError(RuntimeError):
    """Reports that a restriction could not be applied or does not hold, so the jail must not be used."""


def seal(policy: dict[str, Any]) -> None:
    """Applies the policy: user, capabilities, Landlock, seccomp, each while the process may still do so."""
    _become(policy["user_id"])
    if policy["drop_capabilities"]:
        _drop_capabilities()
    _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    if policy["die_with_parent"]:
        # Set after the change of user, which clears it.
        _checked(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "parent death signal")
    if policy["landlock"] is not None:
        _apply_landlock(**policy["landlock"])
    if policy["seccomp"] is not None:
        _apply_seccomp(bytes.fromhex(policy["seccomp"]))


def breaches(level: str) -> list[str]:
    """Returns what the sealed jail can still do although it must not; empty when the seal holds."""
    checks = {"bubblewrap": _bubblewrap_breaches, "landlock": _landlock_breaches, "none": list}
    return list(checks[level]())


def _become(user_id: int | None) -> None:
    if user_id is None:
        return
    os.setgroups([])
    os.setresgid(user_id, user_id, user_id)
    os.setresuid(user_id, user_id, user_id)
    # After a change of user the process cannot read its own /proc/self.
    _checked(_libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0), "dumpable")


def _drop_capabilities() -> None:
    _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    for capability in range(_LAST_CAPABILITY + 1):
        _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = struct.pack("Ii", _CAPABILITY_VERSION, 0)
    _checked(_libc.capset(header, bytes(24)), "capset")


def _apply_landlock(*, handled_files: int, handled_network: int, scoped: int, rules: list[tuple[str, int]]) -> None:
    attributes = struct.pack("QQQ", handled_files, handled_network, scoped)
    # Older kernels have fewer fields and accept a longer structure only if the rest is zero, which it is there.
    ruleset = _libc.syscall(_LANDLOCK_CREATE, attributes, ctypes.c_size_t(len(attributes)), 0)
    _checked(ruleset, "landlock_create_ruleset")
    try:
        for path, rights in rules:
            _add_landlock_rule(ruleset, path, rights)
        _checked(_libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0), "landlock_restrict_self")
    finally:
        os.close(ruleset)


def _add_landlock_rule(ruleset: int, path: str, rights: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        attributes = struct.pack("=Qi", rights, descriptor)
        added = _libc.syscall(_LANDLOCK_ADD, ruleset, _LANDLOCK_RULE_PATH_BENEATH, attributes, 0)
        _checked(added, f"landlock_add_rule for {path}")
    finally:
        os.close(descriptor)


def _apply_seccomp(program: bytes) -> None:
    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))

    buffer = ctypes.create_string_buffer(program, len(program))
    described = Program(len(program) // 8, ctypes.cast(buffer, ctypes.c_char_p))
    loaded = _libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(described), 0, 0)
    _checked(loaded, "seccomp")


def _bubblewrap_breaches() -> list[str]:
    breaches_found = _kernel_breaches()
    if os.getpid() > 10:
        breaches_found.append("it shares the host's process ids")
    unexpected = {path.name for path in Path("/").iterdir()} & {"home", "boot", "sys", "var", "run", "mnt"}
    if unexpected and not _leads_to_python(unexpected):
        breaches_found.append(f"it sees the host's {sorted(unexpected)}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # Documentation address (RFC 5737): in a network namespace of its own there is no route to anything.
        if probe.connect_ex(("192.0.2.1", 9)) == 0:
            breaches_found.append("it has a route to the network")
    return breaches_found


def _leads_to_python(names: set[str]) -> bool:
    """Tells whether these directories are visible only as parents of Python, for example below /home or /var."""
    parents = {Path(path).parts[1] for path in (sys.base_prefix, sys.executable) if len(Path(path).parts) > 1}
    return names <= parents


def _landlock_breaches() -> list[str]:
    breaches_found = _kernel_breaches()
    try:
        os.close(os.open("/etc/passwd", os.O_RDONLY))
        breaches_found.append("it can read /etc/passwd")
    except PermissionError:
        pass
    try:
        socket.socket().close()
        breaches_found.append("it can make sockets")
    except PermissionError:
        pass
    return breaches_found


def _kernel_breaches() -> list[str]:
    breaches_found = []
    if _libc.prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) != _SECCOMP_MODE_FILTER:
        breaches_found.append("no seccomp filter is loaded")
    if _libc.unshare(_CLONE_NEWUSER) == 0 or ctypes.get_errno() != errno.EPERM:
        breaches_found.append("it can make namespaces")
    return breaches_found


def _checked(result: int, what: str) -> None:
    if result < 0:
        code = ctypes.get_errno()
        raise SealError(f"{what}: {os.strerror(code)}")
