"""The room's exceptions.

SandboxError
├── IsolationUnavailable   no permitted isolation level works on this machine
├── JailFailed             a jail could not be started, or broke before it was given a run
├── BundleRefused          a bundle's file names cannot be placed in a jail
└── ControlPlaneError      the control plane refused a call
    ├── LeaseLost          another runner holds the run now, or it has ended
    └── ControlPlaneUnreachable   no answer, or one that says "later"
"""


class SandboxError(Exception):
    """Something about running user code failed that is not the user code's fault."""


class IsolationUnavailable(SandboxError):
    """No isolation level that the settings permit works on this machine."""


class JailFailed(SandboxError):
    """A jail could not be started, or broke before it was given a run."""


class BundleRefused(SandboxError):
    """A bundle has a file name that cannot be placed in a jail."""


class ControlPlaneError(SandboxError):
    """The control plane refused a call; `status` is the HTTP status."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class LeaseLost(ControlPlaneError):
    """The run's fence is no longer ours: nothing we say about it counts any more."""


class ControlPlaneUnreachable(ControlPlaneError):
    """The control plane did not answer, or answered that it cannot serve now; worth trying again."""
