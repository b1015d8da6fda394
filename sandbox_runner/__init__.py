"""Claims runs over HTTP, executes them in jails, and forwards their requests to the platform."""
