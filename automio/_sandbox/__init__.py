"""Acts as the harness inside the jail: seals the process, receives one run, executes user code, reports its end.

It is copied next to the jail's site directory under the name `automio_sandbox`. It imports only the standard library
and itself, so that it works with any client in the site directory (ours, or a published one).
"""
