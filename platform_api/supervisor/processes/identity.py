"""Chooses the user that PostgreSQL runs as.

PostgreSQL refuses to run as root. Three ways, tried in this order:

* not root: as we are;
* a user namespace in which our own uid appears as an ordinary one: file ownership and permissions stay as they are,
  also below a home directory that nobody else may enter;
* where no user namespace can be had (most containers): an unprivileged account. It owns the directory we made
  for PostgreSQL. Directories above that one are not ours to open, so when the account could not pass through
  them it keeps the one capability that lets it: reading, or overriding permissions where that is all there is.
"""

import ctypes
import os
import pwd
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1
_PR_GET_SECUREBITS = 27
_PR_SET_SECUREBITS = 28
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2

_ACCOUNTS = ("automio", "postgres", "nobody")

libc = ctypes.CDLL(None, use_errno=True)


class IdentityError(RuntimeError):
    """Reports that we are root and there is neither a user namespace nor an account for PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Describes how a child changes before it becomes PostgreSQL, and who owns its directory."""

    way: Literal["unchanged", "namespace", "account"]
    uid: int
    gid: int
    seen_as: int = 0
    capability: int | None = None

    def own(self, directory: Path) -> None:
        """Makes this identity the owner of `directory`, which must be one that we created."""
        if os.geteuid() != 0 or directory.stat().st_uid == self.uid:
            return
        for parent, directories, files in os.walk(directory):
            for name in (*directories, *files):
                os.chown(os.path.join(parent, name), self.uid, self.gid, follow_symlinks=False)  # noqa: PTH118
        # Last, so that an interrupted pass is repeated.
        os.chown(directory, self.uid, self.gid)


def choose_identity(directory: Path) -> Identity:
    """Returns the identity for a server that keeps its files in `directory`."""
    if os.geteuid() != 0:
        return Identity("unchanged", os.geteuid(), os.getegid())
    if (namespace := namespace_identity()) and _can_start(namespace):
        return namespace
    return account_identity(directory)


def namespace_identity() -> Identity | None:
    # initdb insists on an entry in the passwd file, so an invented uid would not do.
    seen_as = next((entry.pw_uid for entry in pwd.getpwall() if entry.pw_name in _ACCOUNTS and entry.pw_uid), None)
    return None if seen_as is None else Identity("namespace", os.getuid(), os.getgid(), seen_as=seen_as)


def account_identity(directory: Path) -> Identity:
    """Returns an unprivileged account that can reach `directory`.

    Raises IdentityError when the machine has none of the accounts, or when the account cannot be given a way in.
    """
    accounts = {entry.pw_name: entry for entry in pwd.getpwall() if entry.pw_uid != 0}
    entry = next((accounts[name] for name in _ACCOUNTS if name in accounts), None)
    if entry is None:
        raise IdentityError(
            f"PostgreSQL does not run as root and there is no account for it; create one of {', '.join(_ACCOUNTS)}, "
            "start automio as an ordinary user, or set DATABASE_URL"
        )
    identity = Identity("account", entry.pw_uid, entry.pw_gid)
    if _everyone_may_pass(directory.parent) and _everyone_may_pass(Path(__file__).parent):
        return identity
    for capability in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
        identity = Identity("account", entry.pw_uid, entry.pw_gid, capability=capability)
        if _can_start(identity):
            return identity
    raise IdentityError(
        f"PostgreSQL does not run as root, and the account {entry.pw_name!r} may not enter {directory}; "
        "choose another --data-dir, start automio as an ordinary user, or set DATABASE_URL"
    )


def _everyone_may_pass(directory: Path) -> bool:
    return all(path.stat().st_mode & 0o001 for path in (directory, *directory.parents) if path.exists())


def _can_start(identity: Identity) -> bool:
    """Tries whether a way works, since that depends on the kernel, its settings and the container's filters."""
    try:
        subprocess.run(["/bin/true"], preexec_fn=become(identity, death_signal=signal.SIGKILL), check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def become(identity: Identity, *, death_signal: signal.Signals) -> Callable[[], None]:
    """Returns a `preexec_fn` that takes on the identity and dies with the parent's thread (by `death_signal`)."""
    parent = os.getpid()

    def in_child() -> None:
        if identity.way == "namespace":
            _enter_namespace(identity)
        elif identity.way == "account":
            _change_account(identity)
        # After the change: a change of credentials clears the parent-death signal.
        die_with_parent(parent, death_signal)

    return in_child


def die_with_parent(parent: int, death_signal: signal.Signals) -> None:
    """Asks, in a child before exec, for `death_signal` at the parent's death; exits if it is dead already."""
    libc.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _enter_namespace(identity: Identity) -> None:
    uid, gid = os.getuid(), os.getgid()
    _checked(libc.unshare(_CLONE_NEWUSER), "create a user namespace")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{identity.seen_as} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{identity.seen_as} {gid} 1")


def _change_account(identity: Identity) -> None:
    if identity.capability is not None:
        _checked(libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0), "keep capabilities")
        # Without this bit access(2), by which PostgreSQL looks for its own programs, ignores what an ordinary user
        # may do by a capability. Where it cannot be set, the programs must be where everybody may go.
        libc.prctl(_PR_SET_SECUREBITS, libc.prctl(_PR_GET_SECUREBITS, 0, 0, 0, 0) | _SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setresgid(identity.gid, identity.gid, identity.gid)
    os.setresuid(identity.uid, identity.uid, identity.uid)
    if identity.capability is not None:
        mask = 1 << identity.capability
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        # effective, permitted, inheritable of capabilities 0-31, then the same of 32-63
        data = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
        _checked(libc.capset(header, data), "keep one capability")
        raised = libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, identity.capability, 0, 0)
        _checked(raised, "keep one capability across exec")


def _checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"cannot {what}: {os.strerror(number)}")
