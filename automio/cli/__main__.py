"""Runs the `automio` command as `python -m automio.cli`, when its script is not on the path."""

from automio.cli import main

main()
