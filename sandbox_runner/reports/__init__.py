"""Reports what comes out of a jail: its output as log lines, and its result."""
