"""Defines the runner's exceptions.

SandboxError
├── IsolationUnavailable   no permitted isolation level works on this machine
├── JailFailed             a jail could not be started, or failed before it got a run
├── BundleRefused          a bundle has a file name that is not allowed in a jail
└── ControlPlaneError      the control plane refused a call
    ├── LeaseLost          another runner holds the run now, or it has ended
    └── ControlPlaneUnreachable   no answer, or one with a status that can be retried
"""


class SandboxError(Exception):
    """Reports that running user code failed for a reason outside of that code."""


class IsolationUnavailable(SandboxError):
    """Reports that none of the isolation levels that the settings permit works on this machine."""


class JailFailed(SandboxError):
    """Reports that a jail could not be started, or failed before it got a run."""


class BundleRefused(SandboxError):
    """Reports that a bundle has a file name that is not allowed in a jail."""


class ControlPlaneError(SandboxError):
    """Reports that the control plane refused a call; `status` is the HTTP status."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class LeaseLost(ControlPlaneError):
    """Reports that the run has a newer fence, so the control plane accepts nothing about it from this runner."""


class ControlPlaneUnreachable(ControlPlaneError):
    """Reports that the control plane did not answer, or with a status that says to retry."""
