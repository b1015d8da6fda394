"""Finds language servers among the processes of this machine."""

from pathlib import Path

from sandbox_runner.jails.process_tree import descendants


def language_server_pids(root: int) -> list[int]:
    """Returns the processes below `root` that are language servers."""
    return [pid for pid in descendants(root) if _program_of(pid).startswith("pyrefly")]


def _program_of(pid: int) -> str:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    return "pyrefly" if command[:2] == [b"/automio/program", b"lsp"] else ""
