"""Runs the named benchmarks, or all of them, one after the other: `python -m benchmarks [NAME …]`.

A benchmark is a package here with a `__main__`, or a module with a `main`; each runs in its own process.
`python -m benchmarks.NAME --help` shows a benchmark's options.
"""

import argparse
import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).parent
_ROOT = _HERE.parent


def names() -> list[str]:
    """Returns the names of all benchmarks."""
    packages = [entry.parent.name for entry in _HERE.glob("*/__main__.py")]
    modules = [entry.stem for entry in _HERE.glob("*.py") if "\ndef main(" in entry.read_text()]
    return sorted({*packages, *modules} - {"__main__", "load", "floor"})


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="*", help=f"one of {', '.join(names())}; all when absent")
    chosen = parser.parse_args().name or names()
    if unknown := [name for name in chosen if name not in names()]:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(names())}")
    failed = []
    for name in chosen:
        sys.stdout.write(f"\n== {name}\n")
        sys.stdout.flush()
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=_ROOT).returncode != 0:
            failed.append(name)
    if failed:
        sys.stdout.write(f"failed: {', '.join(failed)}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
