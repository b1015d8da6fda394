"""Claims runs over HTTP, executes them in a jail and is their broker to the outside."""
