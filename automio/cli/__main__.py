"""`python -m automio.cli`: runs the `automio` command when its script is not on the path."""

from automio.cli import main

main()
