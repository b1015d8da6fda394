"""`python -m automio.cli`: the `automio` command where the script is not on the path."""

from automio.cli import main

main()
